"""Capitalised words that name nobody and nothing in particular, by language (stop words).

Only for languages that write ordinary nouns small. Folded: without case and accents.
"""

from __future__ import annotations

from collections.abc import Mapping

from imgapp.services.texts.phrases import words

_EVERYWHERE = """
    wi fi wifi bluetooth internet web velcro braille polaroid lego art deco nouveau yoga
    pilates covid ph phd pdf usb usbs tv tvs dvds cds leds pcs suvs atms mr mrs ms dr prof sr
    st ii iii iv
"""
_ENGLISH = """
    i january february march april may june july august september october november december
    jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday
    saturday sunday mon tue wed thu fri sat sun american african asian european british
    english scottish welsh irish french german italian spanish portuguese dutch belgian swiss
    austrian danish swedish norwegian finnish icelandic polish czech slovak hungarian romanian
    bulgarian greek turkish russian ukrainian georgian armenian persian iranian iraqi arab
    arabic arabian syrian lebanese israeli hebrew egyptian moroccan tunisian algerian
    ethiopian kenyan nigerian ghanaian indian pakistani bangladeshi nepali nepalese tibetan
    chinese japanese korean mongolian vietnamese thai burmese cambodian indonesian malaysian
    balinese filipino australian canadian mexican cuban jamaican brazilian argentine
    argentinian chilean peruvian colombian bolivian hawaiian polynesian caribbean
    mediterranean scandinavian nordic baltic alpine arctic antarctic andean himalayan balkan
    slavic celtic roman latin latino latina hispanic anglo saxon norman viking aztec mayan
    inca incan maori aboriginal indigenous inuit caucasian black white brown native western
    eastern northern southern oriental middle east north south west asia afro creole cajun
    texan californian sicilian tuscan venetian parisian bavarian moorish victorian edwardian
    elizabethan tudor gothic baroque rococo renaissance romanesque byzantine ottoman medieval
    colonial neoclassical bauhaus modernist impressionist cubist christian catholic orthodox
    protestant lutheran muslim islamic jewish hindu buddhist sikh shinto taoist zen buddha
    jesus christ virgin mary madonna god goddess lord bible koran quran torah christmas xmas
    easter halloween thanksgiving valentine valentines hanukkah diwali ramadan eid passover
    new year years eve santa claus father mother day independence memorial labor moon earth
    milky way equator internet labrador labradors retriever retrievers shepherd shepherds
    husky huskies collie collies border terrier terriers dalmatian dalmatians chihuahua
    chihuahuas rottweiler doberman pomeranian corgi poodle dachshund spaniel setter pointer
    beagle bulldog greyhound mastiff newfoundland samoyed bernese bernard malinois cattle jack
    russell yorkshire golden great dane siamese bengal maine coon holstein friesian angus
    hereford highland jersey guernsey merino appaloosa clydesdale shetland lipizzaner
    thoroughbred canada ferris shaker adirondack panama wellington wellingtons bermuda aloha nehru
    mandarin windsor brussels sprouts dijon caesar cobb parmesan cheddar brie champagne
    bordeaux oven army molotov rubik rubiks morse mohawk jacuzzi thermos frisbee ping pong
    olympic olympics paralympic parliament congress senate state states city town street
    t-shirt x-ray polaroid formica lycra plexiglas styrofoam teflon zumba rottweilers doric
    ionic corinthian jacobean
"""

ORDINARY: Mapping[str, frozenset[str]] = {
    language: words(_EVERYWHERE + table)
    for language, table in {
        "en": _ENGLISH,
        "fr": """
            terre soleil lune dieu noel pere mere paques toussaint saint sainte vierge bible
            coran etat renaissance moyen age antiquite art nouveau francais francaise
            francaises allemand allemande anglais anglaise italien italienne espagnol
            espagnole japonais japonaise chinois chinoise americain americaine africain
            africaine europeen europeenne asiatique afro americains m mme mlle
        """,
        "es": """
            tierra sol luna dios navidad papa noel reyes magos semana santa pascua virgen
            biblia coran edad media renacimiento estado halloween sr sra don dona cristo jesus
        """,
        "it": """
            terra sole luna dio natale babbo pasqua epifania befana madonna vergine bibbia
            corano medioevo rinascimento stato gesu cristo halloween sig signora bambino
            novecento ottocento settecento seicento cinquecento quattrocento trecento
        """,
        "pt": """
            terra sol lua deus natal papai pai pascoa carnaval virgem biblia corao cristo
            jesus idade media renascimento estado halloween sr sra dom dona senhor senhora
        """,
        "nl": """
            aarde zon maan god kerst kerstmis kerstman pasen sinterklaas zwarte piet
            koningsdag bijbel koran maria jezus boeddha middeleeuwen renaissance nederlandse
            nederlands hollandse franse frans duitse duits engelse engels britse italiaanse
            italiaans spaanse spaans portugese belgische vlaamse amerikaanse afrikaanse
            aziatische europese chinese chinees japanse japans turkse turks griekse grieks
            romeinse arabische indiase indonesische marokkaanse poolse russische
            scandinavische zweedse deense noorse friese zwitserse oostenrijkse joodse
            victoriaanse gotische mexicaanse
        """,
        "sv": """
            jorden solen manen gud jul tomten pask jesus maria bibeln koranen buddha
            vintergatan halloween lucia kristus
        """,
        "da": """
            jorden solen manen gud jul paske jesus maria bibelen koranen buddha dannebrog
            halloween i de
        """,
        "no": """
            jorden solen manen gud jul paske jesus maria bibelen koranen buddha melkeveien
            halloween
        """,
        "pl": """
            ziemia ziemi ziemie slonce slonca ksiezyc ksiezyca bog boga boze narodzenie
            narodzenia wielkanoc wielkanocy wigilia mikolaj mikolaja matka boska maryja maryi
            jezus jezusa chrystus chrystusa biblia koran budda buddy halloween nowy rok pan
            pani pana polak polka azjata azjatka afroamerykanin afroamerykanka europejczyk
        """,
        "cs": """
            zeme zemi slunce mesic buh boha vanoce vanoc velikonoce velikonoc mikulas jezis
            jezise panna marie kristus bible koran buddha buddhy halloween novy rok pan pani
        """,
        "ru": """
            земля земли землю солнце солнца луна луны бог бога новый новыи год рождество
            рождества пасха пасхи дед мороз христос христа иисус богородица библия коран будда
            будды млечныи путь интернет
        """,
        "tr": """
            dunya gunes ay tanri allah noel baba ramazan kurban bayram bayrami kuran incil hz
            isa meryem buda ocak subat mart nisan mayis haziran temmuz agustos eylul ekim
            kasim aralik pazartesi sali carsamba persembe cuma cumartesi pazar turk turkce
            ingiliz ingilizce fransiz fransizca alman almanca italyan ispanyol japon japonca
            cin cinli cince rus rusca arap arapca yunan roma osmanli selcuklu avrupa avrupali
            amerikan afrikali asyali kurt
        """,
    }.items()
}
"""The languages that are named here are those in which a capital letter marks a name."""

ABBREVIATIONS = words(
    """
    mr mrs ms dr prof st ste mt ft hl sr sra sig m mme mlle av bd no nr jr ul sv pl vs ca c o
    """
)
"""Words whose full stop ends no sentence, folded."""

CONTROLS = words(
    """
    button buttons link links menu tab tabs icon icons key keys field checkbox dialog page
    screen window bouton lien onglet icone touche champ boton enlace icono pestana tecla campo
    pulsante scheda tasto botao aba knop tabblad veld toets knapp knappen lanken fliken knap
    linket ikonet lenken fanen przycisk przyciskiem klawisz zakladka pole tlacitko tlacitkem
    odkaz klavesa zalozka кнопка кнопкои кнопку ссылка ссылкои вкладка клавиша поле меню
    dugmesi dugme butonu buton menusu sekmesi tusu
    """
)
"""Parts of a screen, whose label is no name: "the Save button". Folded."""

ARTICLES = words(
    """
    the a an this that these in at on le la les un une l d des du dans el los las una en il lo
    gli i nel nella o os as um uma no na de het een op et ei den det to ve bu bir
    """
)
"""What a sentence begins with before a name. Folded."""

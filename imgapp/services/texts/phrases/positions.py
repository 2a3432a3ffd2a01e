"""Colour or position alone: phrases that point at a thing by nothing else, by language (patterns).

"The Send button on the right" has a name and is fine, as are places within a picture ("a man on the
left"): https://www.w3.org/WAI/WCAG22/Techniques/general/G96.
"""

from __future__ import annotations

from collections.abc import Mapping

_EN = r"(?:red|green|blue|yellow|orange|black|white|gr[ae]y|purple|pink|brown)"
_DE = r"(?:rot|grün|blau|gelb|schwarz|weiß|grau|lila|braun|orangefarben|rosafarben)e[nr]?"
_FR = r"(?:roug|jaun|ros)es?|(?:vert|bleu|noir|gris|brun|violet)e?s?|(?:blanc|blanche)s?"
_ES = r"(?:roj|amarill|negr|blanc|morad)[oa]s?|(?:verde|azul|gris|naranja|rosa|marrón)(?:e?s)?"
_IT = r"(?:ross|giall|ner|bianc|grigi)[oaie]|(?:verd)[ei]|blu|viola|rosa|arancione|marrone"
_PT = r"(?:vermelh|amarel|pret|branc|rox)[oa]s?|(?:verde|azul|cinza|rosa|laranja)s?|marrom"
_NL = r"(?:rode|groene|blauwe|gele|zwarte|witte|grijze|paarse|oranje|roze|bruine)"
_SV = r"(?:röda|gröna|blåa?|gula|svarta|vita|gråa?|lila|orangea?|rosa|bruna)"
_DA = r"(?:røde|grønne|blå|gule|sorte|hvide|grå|lilla|orange|lyserøde|brune)"
_NO = r"(?:røde|grønne|blåe?|gule|svarte|hvite|gråe?|lilla|oransje|rosa|brune)"
_END = r"(?= (?:{})(?!\w)|\s*[.;:!?)]|\s*\Z)"

POSITIONS: Mapping[str, tuple[str, ...]] = {
    "en": (
        r"(?:see|as seen|as shown|shown|pictured|described|mentioned) (?:above|below)",
        r"(?:see|in) the (?:image|picture|photo|chart|table) (?:above|below)",
        rf"the (?:round |square |big |small |{_EN} )?(?:button|link|icon|tab|checkbox|one) "
        r"(?:on|at|in|to) the (?:far |upper |lower |top |bottom )?(?:left|right|top|bottom)",
        rf"(?:click|press|tap|select|choose|push|hit)(?: on)? the (?:round |square |left |right |"
        rf"upper |lower |top |bottom |{_EN} )+(?:button|link|icon|one|key|tab|arrow|box|field)",
        rf"the {_EN} ones?",
    ),
    "de": (
        r"siehe (?:oben|unten|links|rechts)",
        r"(?:wie )?(?:oben|unten) (?:gezeigt|dargestellt|abgebildet|genannt|erwähnt|beschrieben)",
        rf"(?:der|die|das|den|dem) (?:runden? |eckigen? |{_DE} )?(?:knopf|taste|schaltfläche|button"
        r"|link|symbol) (?:oben|unten|links|rechts)",
        rf"(?:klick(?:en sie|e)?|drück(?:en sie|e)?|wähl(?:en sie|e)?|tipp(?:en sie|e)?) (?:auf )?"
        rf"(?:den|die|das) (?:{_DE}|runden?|linken?|rechten?|oberen?|unteren?) "
        r"(?:knopf|taste|schaltfläche|button|link|symbol|feld|pfeil)",
        r"(?:der|die|das) (?:rot|grün|blau|gelb|schwarz|weiß|grau|braun)e"
        + _END.format("ist|sind|zeigt|steht|links|rechts"),
    ),
    "fr": (
        r"(?:voir|comme|illustré|montré|décrit|mentionné)(?:e?s)? ci-(?:dessus|dessous)",
        r"(?:ci-dessus|ci-dessous)",
        rf"(?:le bouton|le lien|l['’]icône|l['’]onglet)(?: (?:{_FR}|ronde?))? (?:à|en|sur la) "
        r"(?:gauche|droite|haut|bas)",
        rf"cliquez sur (?:le|la|l['’]) ?(?:bouton|lien|icône|flèche) (?:{_FR}|ronde?|de (?:gauche|droite))",
        r"(?:celui|celle|ceux) (?:de|à|en) (?:la )?(?:gauche|droite|haut|bas)",
        rf"(?:celui|celle|ceux|celles) (?:en )?(?:{_FR})",
    ),
    "es": (
        r"(?:véase|ver|como se (?:ve|muestra)) (?:más )?(?:arriba|abajo)",
        r"(?:mostrad|descrit|mencionad)[oa]s? (?:más )?(?:arriba|abajo)",
        rf"(?:el botón|el enlace|el icono|la pestaña)(?: (?:{_ES}|redond[oa]))? (?:de|a|en) la "
        r"(?:izquierda|derecha|parte (?:superior|inferior))",
        rf"(?:haga|haz) clic en (?:el|la) (?:botón|enlace|icono|flecha) (?:{_ES}|redond[oa]|de la)",
        r"(?:el|la|los|las) de (?:la (?:izquierda|derecha)|arriba|abajo)",
        rf"(?:el|la|los|las) de color (?:{_ES})",
    ),
    "it": (
        r"(?:vedi|vedere|come (?:mostrato|si vede)|mostrat[oaie]|descritt[oaie]) (?:qui )?(?:sopra|sotto)",
        rf"(?:il pulsante|il link|l['’]icona|la scheda)(?: (?:{_IT}|rotond[oa]))? (?:a|in) "
        r"(?:sinistra|destra|alto|basso)",
        rf"(?:fai|fare|fate|faccia) clic su(?:l|lla|ll['’]) ?(?:pulsante|link|icona|freccia) (?:{_IT})",
        r"quell[oaie] (?:a|in) (?:sinistra|destra|alto|basso)",
        rf"quell[oaie] (?:{_IT})",
    ),
    "pt": (
        r"(?:veja|ver|como (?:mostrado|se vê)|mostrad[oa]s?|descrit[oa]s?) (?:acima|abaixo)",
        rf"(?:o botão|o link|o ícone|a aba)(?: (?:{_PT}|redond[oa]))? (?:à|na|no) "
        r"(?:esquerda|direita|topo|parte (?:superior|inferior))",
        rf"cli(?:que|car) n[oa] (?:botão|link|ícone|seta) (?:{_PT}|redond[oa]|da (?:esquerda|direita))",
        r"[oa]s? da (?:esquerda|direita)",
    ),
    "nl": (
        r"zie (?:boven|onder|hierboven|hieronder)",
        r"(?:hierboven|hieronder)",
        rf"de (?:ronde |vierkante |{_NL} )?(?:knop|link|tab) (?:links|rechts|boven|onder|linksboven"
        r"|rechtsboven|linksonder|rechtsonder|aan de (?:linker|rechter))",
        rf"(?:klik|druk|tik) op (?:de|het) (?:ronde |vierkante |linker|rechter|{_NL} )\w*",
        rf"(?:de|het) {_NL}" + _END.format("is|zijn|staat|links|rechts"),
    ),
    "sv": (
        r"se (?:ovan|nedan)",
        r"(?:visas|visat|beskrivs|beskrivet|nämnt) (?:ovan|nedan)",
        rf"den (?:runda |{_SV} )?(?:knappen|länken|ikonen) (?:till (?:vänster|höger)|uppe|nere)",
        r"(?:knappen|länken|ikonen) (?:till (?:vänster|höger)|högst upp|längst (?:ner|upp))",
        rf"(?:klicka|tryck) på den (?:runda|vänstra|högra|övre|nedre|{_SV}) (?:knappen|länken|ikonen|pilen)",
        rf"(?:den|det|de) {_SV}" + _END.format("är|står|visar|till"),
    ),
    "da": (
        r"se (?:ovenfor|nedenfor|ovenstående|nedenstående)",
        r"(?:vist|beskrevet|nævnt) (?:ovenfor|nedenfor)",
        r"(?:knappen|linket|ikonet) (?:til (?:venstre|højre)|øverst|nederst|i (?:toppen|bunden))",
        rf"(?:klik|tryk) på den (?:runde|venstre|højre|øverste|nederste|{_DA}) (?:knap|pil)",
        rf"(?:den|det|de) {_DA}" + _END.format("er|står|viser|til"),
    ),
    "no": (
        r"se (?:over|under|ovenfor|nedenfor)(?=\s*[.;:!?)]|\s*\Z)",
        r"(?:vist|beskrevet|nevnt) (?:over|under|ovenfor|nedenfor)",
        r"(?:knappen|lenken|ikonet) (?:til (?:venstre|høyre)|øverst|nederst)",
        rf"(?:klikk|trykk) på den (?:runde|venstre|høyre|øverste|nederste|{_NO}) (?:knappen|pilen)",
        rf"(?:den|det|de) {_NO}" + _END.format("er|står|viser|til"),
    ),
    "pl": (
        r"(?:zobacz|patrz|jak|pokazan[yaoe]|opisan[yaoe]|wspomnian[yaoe]) (?:powyżej|poniżej)",
        r"(?:przycisk|link|ikona|odnośnik) (?:po (?:lewej|prawej)|na (?:górze|dole)|u (?:góry|dołu))",
        r"(?:kliknij|naciśnij|wybierz) (?:czerwon|zielon|niebiesk|żółt|czarn|biał|okrągł|lew|praw|górn|"
        r"doln)(?:y|i|ą|e) (?:przycisk|link|ikonę|strzałkę|pole)",
        r"(?:ten|ta|to|te) (?:czerwon|zielon|niebiesk|żółt|czarn|biał)[yaie]"
        + _END.format("jest|są|po"),
    ),
    "cs": (
        r"(?:viz|jak je uvedeno|zobrazen[éýoa]|popsan[éýoa]) (?:výše|níže|nahoře|dole)",
        r"(?:tlačítko|odkaz|ikona) (?:vlevo|vpravo|nahoře|dole)",
        r"(?:klikněte na|klepněte na|stiskněte|vyberte) (?:červen|zelen|modr|žlut|čern|bíl|kulat|lev|prav|"
        r"horní|dolní)\w{0,2} (?:tlačítko|odkaz|ikonu|šipku|pole)",
        r"(?:ten|ta|to|ty) (?:červen|zelen|modr|žlut|čern|bíl)[ýáé]"
        + _END.format("je|jsou|vlevo|vpravo"),
    ),
    "ru": (
        r"(?:см\.|смотрите?|как показано|показан[аоы]?|описан[аоы]?|упомянут[аоы]?) (?:выше|ниже)",
        r"(?:кнопк[аиу]|ссылк[аиу]|значок|иконк[аиу]) (?:слева|справа|вверху|внизу|сверху|снизу)",
        r"(?:нажмите|щёлкните|щелкните|выберите)(?: на)? (?:красн|зел[её]н|син|ж[её]лт|ч[её]рн|бел|кругл|"
        r"лев|прав|верхн|нижн)\w{1,3} (?:кнопку|ссылку|значок|стрелку|поле)",
        r"(?:тот|та|то|те),? (?:что )?(?:слева|справа|вверху|внизу)",
    ),
    "tr": (
        r"(?:yukarıda|aşağıda)(?:ki)? (?:görüldüğü|gösterildiği|gösterilen|belirtilen|açıklanan|bakın\w*)",
        r"(?:yukarıya|aşağıya) bak(?:ın|ınız)?",
        r"(?:sağ|sol|üst|alt|sağda|solda|üstte|altta|yukarıda|aşağıda)(?:ki)? (?:düğme|buton|bağlantı|simge)"
        r"(?:ye|ya|e|a|si|yi|u|i)? (?:tıkla|bas|seç)\w{0,6}",
        r"(?:kırmızı|yeşil|mavi|sarı|siyah|beyaz|yuvarlak) (?:düğme|buton|bağlantı|simge)"
        r"(?:ye|ya|e|a|yi|u|i)? (?:tıkla|bas|seç)\w{0,6}",
        r"(?:kırmızı|yeşil|mavi|sarı|siyah|beyaz) (?:olan|olanı)",
    ),
    "ja": (
        "(?:上記|下記|上図|下図)(?:の|を|に|参照)",
        "(?:上|下)(?:を|の図を)参照",
        "(?:右|左|上|下|右上|左上|右下|左下)(?:側)?の(?:ボタン|リンク|アイコン)(?:を|から)",
        "(?:赤|青|緑|黄色|黒|白|丸)い?(?:の)?(?:ボタン|リンク|アイコン)を(?:押|クリック|タップ|選)",
        "(?:赤|青|黒|白)い(?:ほう|方|もの)(?:が|は|を)",
    ),
    "zh": (
        "(?:如|见|見|参见|參見)(?:上|下)(?:图|圖|文|所示|方)",
        "(?:点击|點擊|单击|按下|按|选择|選擇)(?:左|右|上|下|红|紅|绿|綠|蓝|藍|黄|黃|黑|白|圆|圓)"
        "[边邊侧側方面色形]{0,2}的?(?:按钮|按鈕|链接|連結|图标|圖標|圖示)",
        "(?:左|右|上|下)(?:边|邊|侧|側|方|面)的(?:按钮|按鈕|链接|連結|图标|圖標|那个|那個)",
        "(?:红|紅|绿|綠|蓝|藍|黄|黃|黑|白)色的?(?:那个|那個|那只|那一)",
    ),
}

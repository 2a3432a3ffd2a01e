"""Well-known names, by language: the ones that models put into texts unasked (gazetteer).

For languages in which capital letters do not tell a name (German writes all nouns with one, Chinese
and Japanese have none), and for those that begin a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping

from imgapp.services.texts.phrases import words

BRANDS = words(
    """
    Adidas Airbus Audi BMW Boeing Canon Chanel Dior Disney Facebook Ferrari Fiat
    Google Gucci Honda Huawei Hyundai IKEA Ikea Instagram Kia Lamborghini
    Lenovo Mazda Mercedes Microsoft Mitsubishi Netflix Nike Nikon Nintendo Nissan Nokia Opel
    Pepsi Peugeot Porsche Prada Reebok Renault Rolex Samsung Skoda Škoda Sony Starbucks Subaru
    Suzuki Tesla Toyota Twitter Vespa Volkswagen Volvo Yamaha Xiaomi Zara
    """
)
"""In Latin letters whatever the language."""

AT_THE_START = BRANDS | words(
    """
    Amsterdam Ayasofya Bangkok Barcelona Barcelone Berlin Berlino Berlín Brussels Bruxelles
    Budapest Chicago Copenhagen Dubai Dublin Edinburgh Hollywood Istanbul København Kyoto Kraków
    Lisboa Lisbon Londen London Londra Londres Londyn Londýn Madrid Manhattan Montmartre
    Moscow Moscou Moscú Mosca Oslo Paris París Parigi Paryż Paříž Parijs Prague Praga Praha
    Praag Rome Rzym Řím Stockholm Sydney Tokyo Tokio Tokió Venice Venise Venecia Venezia
    Veneza Venetië Wenecja Benátky Vienna Warszawa İstanbul Kapadokya
    Берлин Венеция Лондон Москва Париж Прага Рим Токио
    """
)
"""What is a name even where it begins a sentence, in all languages but German."""

CITIES = words(
    """
    Amsterdam Athen Bangkok Barcelona Berlin Bern Brüssel Budapest Chicago Dresden Dubai
    Dublin Düsseldorf Edinburgh Florenz Genf Hamburg Helsinki Hongkong Istanbul Kairo
    Kopenhagen Leipzig Lissabon London Luzern Madrid Mailand Manhattan Marrakesch Moskau
    Mumbai München Neapel Nürnberg Oslo Paris Peking Prag Rom Salzburg Shanghai Singapur
    Stockholm Stuttgart Sydney Tokio Venedig Warschau Wien Zürich Frankreich Italien Spanien
    Portugal Japan China Indien Griechenland Österreich Schweiz Deutschland Norwegen Schweden
    Dänemark Island Irland Schottland Marokko Ägypten Thailand Vietnam Toskana Provence
    Bretagne Bayern Tirol Mallorca Kreta Sizilien Kalifornien
    """
)
"""Cities, regions and countries, as German writes them."""

GIVEN_NAMES = words(
    """
    Alexander Andrea Andreas Angela Anna Anne Barack Ben Bernd Christian Christina Christoph
    Claudia Daniel David Donald Elena Elisabeth Emma Emmanuel Eva Felix Florian Frank Franz
    Friedrich Georg Hannah Hans Heinrich Helmut Helene Ingrid Jan Jens Joachim Joe Johann
    Johannes John Jonas Jörg Joseph Julia Julian Jürgen Karin Karl Katharina Klaus Konrad Kurt
    Lars Laura Lena Leon Leonardo Lisa Ludwig Lukas Luisa Manfred Maria Marie Markus Martin
    Matthias Max Maximilian Michael Monika Nicole Nina Olaf Oliver Oskar Otto Patrick Paul
    Peter Petra Philipp Rainer Robert Sabine Sandra Sarah Sebastian Silvia Simon Sophie Stefan
    Steffen Stephan Susanne Thomas Tim Tobias Ursula Ulrich Vincent Walter Werner Wilhelm
    Winston Wladimir Wolfgang
    """
)
"""First names that German texts give to a person together with a family name."""

TITLES = words(
    """
    Herr Herrn Frau Dr Prof Professor Professorin Präsident Präsidentin Bundeskanzler
    Bundeskanzlerin Kanzler Kanzlerin Bundespräsident König Königin Kaiser Kaiserin Papst
    Prinz Prinzessin Sankt
    """
)
"""German titles that a name follows."""

NO_NAMES = words(
    """
    Anfang Anfangs Ende Mitte Doktor Professor Professorin Präsident
    """
)
"""What follows a title and is no name: "eine Frau Anfang zwanzig"."""

PLACES = words(
    """
    Alpen Altstadt Bahnhof Brücke Burg Dom Fernsehturm Flughafen Fußgängerzone Hafen
    Hauptbahnhof Innenstadt Kathedrale Kirche Mauer Münster Museum Oper Park Platz Rathaus
    Schloss See Skyline Straße Tal Tor Turm Universität Wald Weihnachtsmarkt Zoo
    """
)
"""German nouns that make a name of the word in -er before them: Brandenburger Tor, Kölner Dom."""

NO_PLACE = words(
    """
    Alter Arbeiter Bäcker Bauer Becher Besucher Bilder Blätter Blumenfelder Dächer Einer
    Fahrer Felder Fenster Feuer Fischer Gärtner Gewitter Gewässer Gitter Gletscher Häuser
    Hintergründer Hunger Kellner Kinder Koffer Körper Lager Lehrer Lichter Länder Männer Maler
    Mauer Messer Meer Mutter Pflaster Räder Reiter Ruder Schilder Schüler Sommer Teller Tier
    Tochter Ufer Vater Völker Wanderer Wasser Wetter Winter Wälder Zimmer Zuschauer Bruder
    Schwester Computer Drucker Container Kleider Eimer Pfeiler Leuchter Theater Keller Acker
    Anker Donner Erker Giebelfenster Handwerker Händler Jäger Krieger Läufer Musiker
    Polizeireiter Radfahrer Sänger Spieler Ständer Tänzer Teilnehmer Torwächter Verkäufer
    """
)
"""German nouns in -er that are nothing of the kind."""

LANDMARKS: Mapping[str, tuple[str, ...]] = {
    "de": (
        "Eiffelturm", "Coca-Cola", "Harley-Davidson", "Freiheitsstatue", "Kolosseum", "Big Ben", "Golden Gate", "Matterhorn", "Zugspitze",
        "Mont Blanc", "Mount Everest", "Schiefe Turm", "Schiefen Turm", "Notre-Dame", "Notre Dame",
        "Sagrada Família", "Sagrada Familia", "Taj Mahal", "Chinesische Mauer", "Chinesischen Mauer",
        "Neuschwanstein", "Frauenkirche", "Petersdom", "Louvre", "Akropolis", "Alhambra", "Elbphilharmonie",
        "Reichstag", "Stephansdom", "Schönbrunn", "Siegessäule", "Gendarmenmarkt", "Alexanderplatz",
        "Tower Bridge", "Burj Khalifa", "Empire State Building", "Times Square", "Central Park",
        "Kreml", "Machu Picchu", "Stonehenge", "Niagarafälle", "Grand Canyon", "Bodensee", "Königssee",
        "Gardasee", "Genfer See", "Nordsee", "Ostsee", "Mittelmeer", "Schwarzwald", "Rhein", "Donau", "Elbe",
        "Champs-Élysées", "Arc de Triomphe", "Mona Lisa", "Trevi-Brunnen", "Markusplatz", "Rialtobrücke",
        "Karlsbrücke", "Hagia Sophia", "Oktoberfest", "Hollywood",
    ),
    "ja": (
        "エッフェル塔", "東京タワー", "東京スカイツリー", "スカイツリー", "富士山", "浅草寺", "雷門", "清水寺",
        "金閣寺", "銀閣寺", "伏見稲荷", "厳島神社", "大阪城", "姫路城", "名古屋城", "渋谷", "新宿", "秋葉原",
        "銀座", "原宿", "道頓堀", "通天閣", "東京駅", "自由の女神", "ビッグベン", "コロッセオ", "タージ・マハル",
        "タージマハル", "万里の長城", "凱旋門", "サグラダ・ファミリア", "マチュピチュ", "ゴールデンゲート",
        "ルーブル", "モナ・リザ", "ピサの斜塔", "ノートルダム", "ディズニーランド", "東京", "京都", "大阪",
        "札幌", "横浜", "ニューヨーク", "パリの", "ロンドン", "ローマの", "ベネチア", "ヴェネツィア",
        "トヨタ", "ホンダ", "日産", "ソニー", "任天堂", "ユニクロ", "スターバックス", "ナイキ", "アディダス",
        "フェラーリ", "ポルシェ", "メルセデス", "コカ・コーラ", "マクドナルド",
    ),
    "zh": (
        "埃菲尔铁塔", "艾菲爾鐵塔", "巴黎铁塔", "巴黎鐵塔", "自由女神", "大本钟", "大笨鐘", "斗兽场", "鬥獸場",
        "泰姬陵", "泰姬瑪哈陵", "长城", "長城", "故宫", "故宮", "天安门", "天安門", "天坛", "颐和园", "兵马俑",
        "兵馬俑", "东方明珠", "東方明珠", "外滩", "外灘", "布达拉宫", "布達拉宮", "黄山", "泰山", "西湖",
        "维多利亚港", "維多利亞港", "台北101", "富士山", "东京塔", "東京鐵塔", "晴空塔", "金门大桥", "金門大橋",
        "卢浮宫", "羅浮宮", "凯旋门", "凱旋門", "圣家堂", "聖家堂", "蒙娜丽莎", "蒙娜麗莎", "比萨斜塔",
        "悉尼歌剧院", "雪梨歌劇院", "时代广场", "時代廣場", "北京", "上海", "广州", "深圳", "杭州", "西安",
        "成都", "台北", "香港", "纽约", "紐約", "伦敦", "倫敦", "巴黎", "东京", "东京都", "京都", "罗马",
        "羅馬", "威尼斯", "丰田", "本田", "宝马", "奔驰", "奥迪", "特斯拉", "法拉利", "保时捷", "华为", "小米手机",
        "星巴克", "麦当劳", "麥當勞", "肯德基", "可口可乐", "可口可樂", "耐克", "阿迪达斯", "迪士尼",
    ),
}  # fmt: skip
"""Landmarks; where a language has no capital letters, cities and brands too."""

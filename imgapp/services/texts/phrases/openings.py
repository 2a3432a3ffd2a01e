"""Openings that say that a picture is a picture, by language (patterns).

What names a kind of picture that matters (painting, screenshot, X-ray, aerial photo) is none:
https://www.w3.org/WAI/tutorials/images/tips/. They are looked for at the start of an alt text, and
in languages that put the word last at its end (`ENDINGS`).
"""

from __future__ import annotations

from collections.abc import Mapping

OPENINGS: Mapping[str, tuple[str, ...]] = {
    "en": (
        r"(?:an? |the |this )?(?:image|picture|pic|photo|photograph|graphic|snapshot)s? (?:of|showing"
        r"|shows?|depicting|depicts?|displaying|displays?|featuring|features|containing|contains)",
        r"(?:in|on) (?:this|the) (?:image|picture|photo|photograph)",
        r"this is an? (?:image|picture|photo|photograph)",
        r"(?:image|picture|photo|alt text|alternative text|image description) ?:",
    ),
    "de": (
        r"(?:ein |das |dieses )?(?:bild|foto|photo|grafik|fotografie)s? (?:von|vo[mn]|eine[rs]?|der|des"
        r"|mit|zeigt|stellt)",
        r"(?:eine |die |diese )(?:grafik|fotografie|abbildung|aufnahme) (?:von|vom|eine[rs]|zeigt)",
        r"(?:auf|in) (?:dem|diesem) (?:bild|foto)",
        r"(?:im|am) bild(?: ist| sind| sieht)",
        r"(?:bild|foto|alternativtext|alt-text|bildbeschreibung) ?:",
    ),
    "fr": (
        r"(?:une? |la |cette )?(?:image|photo|photographie)s? (?:d['’]|de |du |des |qui |montrant |montre "
        r"|représentant |représente |avec )",
        r"l['’]image (?:montre|représente|présente)",
        r"(?:dans|sur) (?:cette|la|l['’]) ?(?:image|photo|photographie)",
        r"(?:image|photo|texte alternatif) ?:",
    ),
    "es": (
        r"(?:una |la |esta )?(?:imagen|foto|fotografía)(?:es|s)? (?:de|del|que|mostrando|muestra|con"
        r"|donde|en la que)",
        r"en (?:esta|la) (?:imagen|foto|fotografía)",
        r"(?:imagen|foto|texto alternativo) ?:",
    ),
    "it": (
        r"(?:una |la |questa )?(?:immagine|foto|fotografia) (?:d['’]|di |del |dell['’]|della |dello "
        r"|dei |delle |degli |che |mostra |con |raffigurante )",
        r"(?:l['’]|un['’])immagine (?:di|del|della|mostra|che|raffigura)",
        r"(?:nell['’]immagine|nella foto|in quest(?:a|['’]) ?(?:immagine|foto))",
        r"(?:immagine|foto|testo alternativo) ?:",
    ),
    "pt": (
        r"(?:uma |a |esta )?(?:imagem|foto|fotografia) (?:de|do|da|dos|das|que|mostrando|mostra|com)",
        r"n(?:a|esta) (?:imagem|foto|fotografia)",
        r"(?:imagem|foto|texto alternativo) ?:",
    ),
    "nl": (
        r"(?:een |de |deze )?(?:afbeelding|foto|plaatje|beeld) (?:van|met|waarop|toont|laat)",
        r"op (?:deze|de|het) (?:afbeelding|foto|plaatje)",
        r"(?:afbeelding|foto|alt-tekst) ?:",
    ),
    "sv": (
        r"(?:en |ett )?(?:bild|foto|fotografi) (?:på|av|som|med|föreställande)",
        r"(?:bilden|fotot) (?:visar|föreställer)",
        r"på (?:bilden|fotot)",
        r"(?:bild|foto|alt-text) ?:",
    ),
    "da": (
        r"(?:et )?(?:billede|foto|fotografi) (?:af|med|der|som)",
        r"(?:billedet|fotoet) (?:viser|forestiller)",
        r"på (?:billedet|fotoet)",
        r"(?:billede|foto|alt-tekst) ?:",
    ),
    "no": (
        r"(?:et )?(?:bilde|foto|fotografi) (?:av|med|som)",
        r"(?:bildet|fotoet) (?:viser|forestiller)",
        r"på (?:bildet|fotoet)",
        r"(?:bilde|foto|alt-tekst) ?:",
    ),
    # Without a preposition: the thing shown follows in the genitive, where an adjective that names
    # the kind of picture ("zdjęcie lotnicze") ends in -e.
    "pl": (
        r"(?:to )?(?:zdjęcie|obrazek|fotografia|grafika) (?:przedstawia\w{0,4}|pokazuje|ukazuje)",
        r"zdjęcie (?!\w*[-–]?\w*e(?!\w))\w{3,}",
        r"fotografia (?!\w*[-–]?\w*a(?!\w))\w{3,}",
        r"obrazek (?!\w*[-–]?\w*y(?!\w))\w{3,}",
        r"na (?:zdjęciu|obrazku|obrazie|fotografii|grafice)",
        r"(?:zdjęcie|obraz|tekst alternatywny) ?:",
    ),
    "cs": (
        r"(?:obrázek|fotografie|fotka|snímek) (?:zobrazuje|ukazuje|znázorňuje|s[e]? |na kter)",
        r"(?:obrázek|fotka|fotografie) (?!\w*[-–]?\w*[áéý](?!\w))\w{3,}",
        r"na (?:obrázku|fotografii|fotce|snímku)",
        r"(?:obrázek|foto|fotografie|alternativní text) ?:",
    ),
    "ru": (
        r"(?:это )?(?:изображение|фото|фотография|картинка) (?:с |показывает|изображает|демонстрирует)",
        r"(?:изображение|фото|фотография) (?!\w*[-–]?\w*(?:ое|ая|ий|ый)(?!\w))\w{3,}",
        r"на (?:изображении|фото|фотографии|картинке|снимке)",
        r"(?:изображение|фото|картинка|альтернативный текст) ?:",
    ),
    "tr": (
        r"(?:bu )?(?:görsel|resim|fotoğraf|görüntü)(?:de|da|te|ta)",
        r"(?:görsel|resim|fotoğraf|alternatif metin) ?:",
    ),
    "ja": (
        "(?:この)?(?:画像|写真|イメージ)(?:は|には|では|に写って)",
        "(?:画像|写真|代替テキスト) ?[::]",
    ),
    "zh": (
        "(?:这|這)?(?:是)?(?:一)?(?:张|張|幅)?(?:图片|圖片|照片|图像|圖像)(?:显示|顯示|展示|中|上|里|裡|为|為|是)",
        "(?:图|圖|画面|畫面)中",
        "(?:图片|圖片|照片|图像|圖像|替代文字|替代文本) ?[::]",
    ),
}

ENDINGS: Mapping[str, tuple[str, ...]] = {
    "tr": (r"\w+(?:ın|in|un|ün) (?:bir )?(?:fotoğrafı|resmi|görseli|görüntüsü)",),
    "ja": ("[のた](?:画像|写真|イメージ)(?:です)?",),
    "zh": ("的(?:图片|圖片|照片|图像|圖像)",),
}

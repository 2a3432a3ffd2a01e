from __future__ import annotations

from imgapp.adapters.vision.tags import clean_tags, singular

ONE_AND_MANY = """
apple apples, axe axes, beach beaches, berry berries, bicycle bicycles, bridge bridges, bus buses,
cactus cacti, calf calves, camera cameras, canoe canoes, chateau chateaux, child children,
city cities, cookie cookies, dress dresses, foot feet, fungus fungi, goose geese, hero heroes,
hoodie hoodies, horse horses, house houses, knife knives, leaf leaves, lens lenses, life lives,
lily lilies, man men, monkey monkeys, mouse mice, movie movies, olive olives, photo photos,
pie pies, potato potatoes, roof roofs, shelf shelves, shoe shoes, sky skies, taxi taxis, tie ties,
toe toes, tooth teeth, tree trees, virus viruses, watch watches, wave waves, wolf wolves,
woman women
"""
SAID_AS_THEY_ARE = """
analysis apparatus asparagus atlas bass bias binoculars blues bonus brass business campus canvas
chess christmas circus citrus class clothes compass cosmos crocus cross data dress fireworks fitness
focus gas gallows glass glasses grass harness headphones hibiscus iris jeans kiss lens lotus mars
mass mattress media mess moose moss news oasis octopus olympics opera paris people physics princess
radius rice salmon scissors sepia series sheep shorts species stairs status sunglasses swiss tennis
texas trousers venus walrus wilderness witness
"""


def test_an_english_tag_is_singular() -> None:
    pairs = [pair.split() for pair in ONE_AND_MANY.split(",")]
    assert [singular(many) for _, many in pairs] == [one for one, _ in pairs]
    assert [singular(one) for one, _ in pairs] == [one for one, _ in pairs]
    assert [singular(f"red {many}") for _, many in pairs] == [f"red {one}" for one, _ in pairs]


def test_a_word_that_only_looks_like_a_plural_stays() -> None:
    words = SAID_AS_THEY_ARE.split()
    assert [singular(word) for word in words] == words


def test_tags_are_normalised_once_each_and_capped() -> None:
    assert clean_tags(["Dog", "dogs ", "#Sea Side", "sea-side", "", "x" * 41, "Café.", "..."]) == [
        "dog",
        "sea side",
        "café",
    ]
    assert len(clean_tags(f"tag {n}" for n in range(40))) == 15


def test_tags_of_other_languages_stay_as_they_are() -> None:
    assert clean_tags(["Autos", "bras", "souris"], "fr") == ["autos", "bras", "souris"]


def test_the_persons_own_words_come_first_and_as_they_write_them() -> None:
    vocabulary = ("Sneakers", "New York", "t-shirt", "Glücksmoment")
    said = ["shoe", "sneaker", "new-york", "T Shirts", "GLÜCKSMOMENT", "streets"]
    assert clean_tags(said, "en", vocabulary) == [
        "Sneakers",
        "New York",
        "t-shirt",
        "Glücksmoment",
        "shoe",
        "street",
    ]


def test_own_words_are_kept_when_there_are_too_many() -> None:
    said = [f"tag {n}" for n in range(30)] + ["mine"]
    assert clean_tags(said, "en", ["Mine"])[:2] == ["Mine", "tag 0"]


def test_a_tag_is_never_taken_for_a_word_that_only_begins_alike() -> None:
    assert clean_tags(["cart", "carpet"], "en", ["car"]) == ["cart", "carpet"]


NAMES = """
united states, united arab emirates, canary islands, faroe islands, british isles, great lakes,
niagara falls, victoria falls, swiss alps, southern alps, rocky mountains, beverly hills,
star wars, hunger games, olympic games, angry birds, chicago bulls, boston celtics,
game of thrones, houses of parliament, pirates of the caribbean, fish and chips
"""
SAID_IN_PLURAL = """
pliers tweezers tongs shears clippers pincers dungarees suspenders stockings earphones bagpipes
alps andes rockies cotswolds falls rapids remains surroundings groceries billiards oats customs
"""


def test_names_and_what_is_said_in_the_plural_stay() -> None:
    names = [name.strip() for name in NAMES.split(",")]
    assert [singular(name) for name in names] == names
    words = SAID_IN_PLURAL.split()
    assert [singular(word) for word in words] == words
    assert clean_tags([*names[:3], "nail clippers"]) == [*names[:3], "nail clippers"]


def test_a_capital_among_lower_case_marks_a_name() -> None:
    assert clean_tags(["Smoky Peaks", "red peaks"]) == ["smoky peaks", "red peak"]
    assert clean_tags(["Smoky Peaks", "Red Roofs"]) == ["smoky peak", "red roof"]


def test_composed_and_decomposed_letters_are_one_tag() -> None:
    assert clean_tags(["caf\u0065\u0301", "caf\u00e9"], "fr") == ["caf\u00e9"]
    assert clean_tags(["cafe\u0301"], "fr", ["caf\u00e9"]) == ["caf\u00e9"]

"""No photograph is both learned from and a judge."""

from backend.data.held_out import judged, learned


def test_of_many_photographs_every_tenth_is_judged_and_all_others_are_learned_from() -> None:
    assert judged(range(25)) == [0, 10, 20]
    assert sorted(judged(range(25)) + learned(range(25))) == list(range(25))


def test_of_few_photographs_all_are_judged() -> None:
    assert judged("abc") == list("abc")

"""API keys: their form, and whose they are."""

from __future__ import annotations

from gateway.config.model import Account as AccountConfig
from gateway.config.secret import Secret
from gateway.core.accounts import Account
from gateway.core.api_keys import ApiKeys, hash_key, is_key_hash, new_key


def account(name: str, *keys: str) -> Account:
    hashes = tuple(Secret(hash_key(key)) for key in keys)
    return Account(AccountConfig(system_id=name, password_hash=Secret("-"), api_keys=hashes), now=0)


def test_a_key_is_new_each_time_and_long_enough_not_to_be_guessed() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(len(key) == 43 for key in keys)


def test_the_hash_is_plain_sha256() -> None:
    # FIPS 180-2, the example "abc"
    expected = "sha256$ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hash_key("abc") == expected
    assert is_key_hash(expected)


def test_other_texts_are_no_hashes() -> None:
    good = hash_key("abc")
    for bad in (good[:-1], good + "0", good.upper(), good.removeprefix("sha256$"), good + "\n", ""):
        assert not is_key_hash(bad)


def test_each_key_finds_its_account_and_no_other_text_does() -> None:
    accounts = {"one": account("one", "first", "second"), "two": account("two", "third"), "": account("")}
    keys = ApiKeys(accounts)
    assert [keys.find(key) for key in ("first", "second", "third")] == [
        accounts["one"],
        accounts["one"],
        accounts["two"],
    ]
    assert keys.find(hash_key("first")) is None
    assert keys.find("") is None
    assert keys.find("\ud800") is None


def test_a_reload_takes_keys_away_and_gives_others() -> None:
    accounts = {"one": account("one", "first")}
    keys = ApiKeys(accounts)
    accounts["one"].configure(account("one", "second").config, now=0)
    accounts["two"] = account("two", "third")
    keys.configure()
    assert keys.find("first") is None
    assert keys.find("second") is accounts["one"]
    assert keys.find("third") is accounts["two"]
    del accounts["two"]
    assert keys.find("third") is None

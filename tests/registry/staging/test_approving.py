"""A second person."""

from __future__ import annotations

import pytest

from mpp.author.sign import sign_package
from mpp.crypto.ed25519 import SeedSigner, key_id
from mpp.crypto.roots import extend, root_body
from mpp.errors import Refused
from mpp.protocol.registry.events import VersionPublished, VersionStaged
from mpp.testing.keys import TestPublisher, fixed_signer
from mpp.testing.packages import TestClock, unsigned
from mpp_registry.publishing import publish, sweep
from mpp_registry.publishing.limits import STAGED_EACH_MAX, STAGED_SECONDS, UPLOAD_SECONDS
from mpp_registry.publishers import rotate_root, set_publisher_status
from mpp_registry.staging import approve_by_hand, approve_staged, expire_staged, refuse_staged, staged_list
from tests.registry.publishing.worlds import ALICE, BOB, World, package

SECONDS = tuple(fixed_signer(f"team second {number}") for number in range(3))


def a_team(*, approvers: tuple[SeedSigner, ...] = SECONDS[:1], threshold: int = 1) -> TestPublisher:
    """A publisher whose versions are approved by others than those who sign them."""
    root, release = fixed_signer("team root"), fixed_signer("team release")
    roles = {
        "root": ((root.public_key,), 1), "release": ((release.public_key,), 1), "publish-approve": (tuple(one.public_key for one in approvers), threshold),
    }  # fmt: skip
    chain = extend(None, root_body(1, "A Team", roles), (root,))  # type: ignore[arg-type] # the three names are those of roles
    return TestPublisher(chain=chain, root=(root,), release=(release,))


@pytest.fixture
def team(joined: World) -> TestPublisher:
    found = a_team()
    joined.join(found)
    return found


def code_of(call: object, *given: object) -> str:
    with pytest.raises(Refused) as refused:
        call(*given)  # type: ignore[operator] # a function
    return refused.value.code


def test_a_staged_version_is_no_version_yet(joined: World, team: TestPublisher) -> None:
    found = joined.publish(team)
    assert (found.state, found.is_new, len(found.staged_id)) == ("staged", True, 32)
    assert isinstance(joined.leaves()[-1], VersionStaged)
    assert joined.cell("SELECT COUNT(*) FROM versions") == 0
    assert joined.cell("SELECT title FROM packages") == "", "nothing of it is shown"
    again = joined.publish(team)
    assert (again.is_new, again.staged_id) == (False, found.staged_id)
    assert code_of(publish, joined.services, package(team, description="Other words"), joined.actor(team)) == "registry.exists"


def test_a_second_person_publishes_it(joined: World, team: TestPublisher) -> None:
    staged = joined.publish(team)
    found = approve_staged(joined.services, staged.staged_id, joined.actor(team, SECONDS[0]))
    assert found.is_published
    change = joined.leaves()[-1]
    assert isinstance(change, VersionPublished)
    assert change.content_hash == staged.content_hash
    assert joined.cell("SELECT title FROM packages") == "hello"
    assert joined.cell("SELECT state FROM staged") == "published"
    assert code_of(approve_staged, joined.services, staged.staged_id, joined.actor(team, SECONDS[0])) == "registry.staged"
    joined.clock.moment += UPLOAD_SECONDS
    sweep(joined.services)
    assert joined.services.blobs.size(staged.file_hash) is not None


def test_the_threshold_counts_keys_not_clicks(joined: World) -> None:
    team = a_team(approvers=SECONDS, threshold=2)
    joined.join(team)
    staged = joined.publish(team)
    for _ in range(2):
        assert approve_staged(joined.services, staged.staged_id, joined.actor(team, SECONDS[0])).missing == 1
    with joined.services.database.read() as rows:
        (waiting,) = staged_list(rows)
        assert staged_list(rows, team.id) == (waiting,)
    assert waiting.approved_by == (key_id(SECONDS[0].public_key),)
    assert approve_staged(joined.services, staged.staged_id, joined.actor(team, SECONDS[1])).is_published


def test_who_uploads_or_signs_is_not_the_second_person(joined: World) -> None:
    """Attack: a key with two hats. The root document allows it; the registry does not."""
    root, both, other = fixed_signer("hats root"), fixed_signer("hats both"), fixed_signer("hats other")
    roles = {
        "root": ((root.public_key,), 1), "release": ((both.public_key, other.public_key), 1), "publish-approve": ((both.public_key, other.public_key), 1),
    }  # fmt: skip
    chain = extend(None, root_body(1, "Two Hats", roles), (root,))  # type: ignore[arg-type] # the three names are those of roles
    hats = TestPublisher(chain=chain, root=(root,), release=(both,))
    joined.join(hats)
    # One key signs the package, the other uploads it.
    data = sign_package(unsigned({"package_id": "com.example.hats"}), chain, (both,), TestClock()).data
    staged = publish(joined.services, data, joined.actor(hats, other))
    for key in (both, other):
        assert code_of(approve_staged, joined.services, staged.staged_id, joined.actor(hats, key)) == "registry.forbidden"


def test_only_publish_approve_keys_of_the_publisher_approve(joined: World, team: TestPublisher) -> None:
    staged = joined.publish(team)
    assert code_of(approve_staged, joined.services, staged.staged_id, joined.actor(team)) == "registry.forbidden"
    strangers = a_team(approvers=SECONDS[1:2])
    joined.join(strangers)
    assert strangers.id != team.id
    assert code_of(approve_staged, joined.services, staged.staged_id, joined.actor(strangers, SECONDS[1])) == "registry.forbidden"
    assert code_of(approve_staged, joined.services, "0" * 32, joined.actor(team, SECONDS[0])) == "registry.absent"
    assert code_of(approve_by_hand, joined.services, staged.staged_id) == "registry.forbidden"


def test_a_yes_of_a_key_that_lost_its_role_counts_no_more(joined: World) -> None:
    team = a_team(approvers=SECONDS, threshold=2)
    joined.join(team)
    staged = joined.publish(team)
    approve_staged(joined.services, staged.staged_id, joined.actor(team, SECONDS[0]))
    roles = {
        "root": ((team.root[0].public_key,), 1), "release": ((team.release[0].public_key,), 1),
        "publish-approve": (tuple(one.public_key for one in SECONDS[1:]), 2),
    }  # fmt: skip
    chain = extend(team.chain, root_body(2, "A Team", roles), team.root)  # type: ignore[arg-type] # the three names are those of roles
    newer = TestPublisher(chain=chain, root=team.root, release=team.release)
    rotate_root(joined.services, team.id, chain.data, joined.newcomer(newer))
    assert approve_staged(joined.services, staged.staged_id, joined.actor(newer, SECONDS[1])).missing == 1
    assert approve_staged(joined.services, staged.staged_id, joined.actor(newer, SECONDS[2])).is_published


def test_a_version_that_waits_is_judged_by_what_holds_when_it_is_approved(joined: World, team: TestPublisher) -> None:
    staged = joined.publish(team)
    who = joined.actor(team, SECONDS[0])
    set_publisher_status(joined.services, team.id, "suspended", "odd")
    assert code_of(approve_staged, joined.services, staged.staged_id, who) == "registry.suspended"
    joined.restaged(staging=True)
    waiting = joined.publish(ALICE, "com.example.alice")
    set_publisher_status(joined.services, ALICE.id, "suspended", "odd")
    assert code_of(approve_by_hand, joined.services, waiting.staged_id) == "registry.changed"


def test_it_is_refused_with_a_reason(joined: World, team: TestPublisher) -> None:
    staged = joined.publish(team)
    assert code_of(refuse_staged, joined.services, staged.staged_id, "", None) == "registry.form"
    assert code_of(refuse_staged, joined.services, staged.staged_id, "not mine", joined.actor(BOB)) == "registry.forbidden"
    refuse_staged(joined.services, staged.staged_id, "it prints too much", joined.actor(team, SECONDS[0]))
    assert code_of(approve_staged, joined.services, staged.staged_id, joined.actor(team, SECONDS[0])) == "registry.staged"
    joined.clock.moment += UPLOAD_SECONDS
    assert sweep(joined.services).removed == 1
    assert joined.publish(team).state == "staged", "it may come again"


def test_what_nobody_looks_at_ends(joined: World, team: TestPublisher) -> None:
    joined.publish(team)
    assert expire_staged(joined.services) == 0
    joined.clock.moment += STAGED_SECONDS
    assert expire_staged(joined.services) == 1
    assert joined.cell("SELECT state FROM staged") == "expired"


def test_only_so_many_wait(joined: World, team: TestPublisher) -> None:
    for number in range(STAGED_EACH_MAX):
        joined.publish(team, version=f"1.0.{number}")
    assert code_of(publish, joined.services, package(team, version="2.0.0"), joined.actor(team)) == "registry.quota"


def test_a_registry_may_stage_everything(joined: World) -> None:
    joined.restaged(staging=True)
    staged = joined.publish(ALICE)
    assert staged.state == "staged"
    assert approve_by_hand(joined.services, staged.staged_id).state == "published"
    refuse = joined.publish(ALICE, version="1.1.0")
    refuse_staged(joined.services, refuse.staged_id, "too soon", None)
    assert joined.kinds()[-3:] == ["version.staged", "version.published", "version.staged"]


def test_an_approval_when_the_version_came_another_way(joined: World) -> None:
    joined.restaged(staging=True)
    staged = joined.publish(ALICE)
    joined.restaged(staging=False)
    joined.publish(ALICE, version="1.1.0")
    assert approve_by_hand(joined.services, staged.staged_id).is_new
    assert joined.cell("SELECT latest FROM packages") == "1.1.0"

from click.testing import CliRunner

from bookshop.cli import cli
from bookshop.repositories import users


def test_create_admin(session):
    result = CliRunner().invoke(cli, ["create-admin", "boss@example.com", "--password", "a very long password"])
    assert result.exit_code == 0, result.output
    assert users.find_by_email(session, "boss@example.com").is_admin


def test_cancel_stale_runs_on_an_empty_shop():
    assert CliRunner().invoke(cli, ["cancel-stale"]).exit_code == 0

"""From [avatar] to the settings of clients."""

import pytest

from ipc.config import AvatarSection, VmcSection, VtsSection
from ipc.errors import ConfigError
from workers.avatar.bodies import check_personas, vmc_settings, vts_settings
from workers.avatar.settings import DRIVES, Custom, Drive


def test_single_parameters_are_changed() -> None:
    changed = {"FaceAngleX": "-head_yaw * 0.5", "MouthSmile": "", "SparkBreath": "breath"}
    section = VtsSection(port=8002, parameters=changed, create={"SparkBreath": "she breathes"})
    settings = vts_settings("left", section, AvatarSection(rate_hz=30.0))
    assert settings.drives["FaceAngleX"] == Drive("head_yaw", scale=-0.5)
    assert settings.drives["SparkBreath"] == Drive("breath")
    assert "MouthSmile" not in settings.drives
    assert settings.drives["MouthOpen"] == DRIVES["MouthOpen"]
    assert settings.create == {"SparkBreath": Custom("she breathes")}
    assert (settings.name, settings.port, settings.rate_hz) == ("left", 8002, 30.0)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"MouthOpen": "mouth_opne"}, ["avatar.vts.left", "MouthOpen", "'mouth_open'"]),
        ({"MouthOpen": "mouth_open * x"}, ["avatar.vts.left", "drives nothing"]),
    ],
)
def test_what_drives_nothing_is_named(parameters: dict[str, str], words: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        vts_settings("left", VtsSection(parameters=parameters), AvatarSection())
    for word in words:
        assert word in str(error.value)


def test_a_body_belongs_to_somebody_who_is_there() -> None:
    avatar = AvatarSection(vmc={"vrm": VmcSection(persona="nvoa", head=True)})
    assert vmc_settings("vrm", avatar).head
    with pytest.raises(ConfigError) as error:
        check_personas(avatar, {"nova": None, "umbra": None})
    assert "avatar.vmc.vrm" in error.value.message

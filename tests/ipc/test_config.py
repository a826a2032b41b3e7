"""ipc: every configuration error names file, line, key and mend; config.toml is the defaults."""

import tomllib

import msgspec
import pytest

from ipc.config import WORKERS, Config
from ipc.errors import EXIT_CONFIG, ConfigError
from ipc.load import PROJECT_CONFIG, decode_config, encode_config, load_config


@pytest.fixture
def write(tmp_path):
    """A configuration file with this text."""

    def made(text: str):
        path = tmp_path / "my.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return made


def refused(path, profile="", env=None) -> ConfigError:
    """The error, which always has the exit code of a configuration error."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, profile, env or {})
    assert caught.value.exit_code == EXIT_CONFIG
    return caught.value


def keys_of(value, at=()):
    """Dotted names of all keys of a resolved configuration, personas left out."""
    for key, inner in value.items():
        if key in ("personas", "profile"):
            continue
        yield ".".join((*at, key))
        if isinstance(inner, dict):
            yield from keys_of(inner, (*at, key))


def test_config_toml_holds_every_key_with_its_default():
    written = tomllib.loads(PROJECT_CONFIG.read_text(encoding="utf-8"))
    defaults = msgspec.to_builtins(Config())
    assert set(keys_of(written)) == set(keys_of(defaults))
    written.pop("profile")
    personas = written.pop("personas")
    defaults.pop("personas")
    assert msgspec.convert(written, Config) == msgspec.convert(defaults, Config)
    assert {"nova", "umbra"} <= set(personas)


def test_all_shipped_profiles_load():
    written = tomllib.loads(PROJECT_CONFIG.read_text(encoding="utf-8"))
    for profile in written["profile"]:
        load_config(None, profile, {})
    assert load_config(None, "scripted", {}).llm.engine == "scripted"


def test_a_file_needs_only_the_keys_it_changes(write):
    config = load_config(write("[llm]\nthreads = 3\n"), "", {})
    assert config.llm.threads == 3
    assert config.llm.engine == "llama_cpp"


def test_layers_win_in_order(write):
    path = write("[llm]\nthreads = 3\n[profile.x.llm]\nthreads = 4\n")
    assert load_config(path, "x", {}).llm.threads == 4
    env = {"SPARK_VTUBER__LLM__THREADS": "5"}
    assert load_config(path, "x", env).llm.threads == 5


def test_an_unknown_key_names_line_and_nearest(write):
    path = write("# mine\n[llm]\nthreds = 3\n")
    error = refused(path)
    assert f"{path}, line 3" in error.message
    assert "'llm.threds'" in error.message
    assert "'threads'" in error.hint


def test_an_unknown_table_names_line_and_nearest(write):
    path = write("\n\n[stge]\nwav = ''\n")
    error = refused(path)
    assert f"{path}, line 3" in error.message
    assert "'stage'" in error.hint


def test_a_wrong_type_names_line_and_key(write):
    path = write("[llm]\n\nthreads = 'many'\n")
    error = refused(path)
    assert f"{path}, line 3" in error.message
    assert "llm.threads" in error.message
    assert "int" in error.message


def test_a_value_out_of_range_names_line_and_key(write):
    path = write("[stage]\noverlay_port = 70000\n")
    error = refused(path)
    assert f"{path}, line 2" in error.message
    assert "stage.overlay_port" in error.message


def test_an_unknown_engine_is_refused(write):
    error = refused(write("[tts]\nengine = 'parrot'\n"))
    assert "line 2" in error.message
    assert "tts.engine" in error.message


def test_broken_toml_names_the_line(write):
    path = write("[llm]\nthreads = = 3\n")
    error = refused(path)
    assert str(path) in error.message
    assert "line 2" in error.message


def test_a_missing_file_is_named(tmp_path):
    error = refused(tmp_path / "none.toml")
    assert str(tmp_path / "none.toml") in error.message
    assert "--config" in error.hint


def test_a_directory_is_no_file(tmp_path):
    assert str(tmp_path) in refused(tmp_path).message


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_bytes(b"[llm]\n\xff\xfe = 3\n")
    assert "not UTF-8 at byte 6" in refused(path).message


def test_an_unknown_profile_offers_the_nearest(write):
    error = refused(write(""), "scriptd")
    assert "'scriptd'" in error.message
    assert "'scripted'" in error.hint


def test_an_error_in_a_profile_names_its_line(write):
    path = write("[profile.x.llm]\nthreads = -1\n")
    assert f"{path}, line 2" in refused(path, "x").message


def test_an_environment_variable_is_named():
    error = refused(None, "", {"SPARK_VTUBER__LLM__THREADS": "lots"})
    assert "SPARK_VTUBER__LLM__THREADS" in error.message
    error = refused(None, "", {"SPARK_VTUBER__LLM__THRADS": "1"})
    assert "SPARK_VTUBER__LLM__THRADS" in error.message
    assert "'threads'" in error.hint


def test_an_environment_variable_under_a_value_is_refused():
    error = refused(None, "", {"SPARK_VTUBER__LLM__THREADS__X": "1"})
    assert "SPARK_VTUBER__LLM__THREADS__X" in error.message


def test_the_persona_on_air_must_exist(write):
    path = write("[show]\npersona = 'nvoa'\n")
    error = refused(path)
    assert f"{path}, line 2" in error.message
    assert "'nova'" in error.hint


def test_a_persona_without_a_name_is_refused(write):
    path = write("[show]\npersona = 'a'\n[personas.a]\nsystem = 'x'\n")
    error = refused(path)
    assert "personas.a" in error.message


def test_an_adapter_that_is_not_there_is_refused(write):
    path = write("[show]\npersona='a'\n[personas.a]\nname='A'\nsystem='x'\nadapter='spicy'\n")
    error = refused(path)
    assert "'spicy'" in error.message
    assert "line 6" in error.message


def test_over_the_budget_shows_the_table(write):
    error = refused(write("[supervisor]\nmemory_budget_gb = 2\n"))
    for worker in WORKERS:
        assert (worker in error.message) == Config().worker(worker).enabled
    assert "together" in error.message
    assert "memory_gb" in error.hint


def test_disabled_workers_need_no_memory(write):
    path = write("[supervisor]\nmemory_budget_gb = 2\n[memory]\nenabled = false\n")
    assert not load_config(path, "", {}).memory.enabled


def test_a_huge_file_is_no_configuration(tmp_path):
    path = tmp_path / "big.toml"
    path.write_bytes(b"#" * 2_000_000)
    assert "2000000 bytes" in refused(path).message


def test_workers_get_what_was_resolved():
    config = load_config(None, "scripted", {})
    assert decode_config(encode_config(config)) == config


def test_an_unknown_worker_is_a_key_error():
    with pytest.raises(KeyError):
        Config().worker("show")


def test_personas_that_are_no_table_are_refused(write):
    assert "personas" in refused(write("personas = 3\n")).message
    assert "personas" in refused(write("[personas]\na = 3\n")).message

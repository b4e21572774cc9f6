from django.db import migrations, models

from logix.accounts import keys

_NAMES = {"note": "text", "cancel": "reason"}


def seal(apps, schema_editor):
    """Written words leave the payload and are kept sealed."""
    for command, name in _commands(apps):
        written = command.payload.pop(name, "")
        if written:
            vault = keys.vault(command.store.data_key_id)
            command.words_sealed = vault.seal(written.encode(), *_place(command))
        command.save(update_fields=["payload", "words_sealed"])


def unseal(apps, schema_editor):
    for command, name in _commands(apps):
        written = b""
        if command.words_sealed is not None:
            vault = keys.vault(command.store.data_key_id)
            written = vault.open(bytes(command.words_sealed), *_place(command))
        command.payload[name] = written.decode()
        command.save(update_fields=["payload"])


def _place(command):
    return "integrations_command", "words", f"{command.store_id}:{command.key}"


def _commands(apps):
    rows = apps.get_model("integrations", "Command").objects.filter(kind__in=_NAMES)
    for command in rows.select_related("store").iterator(chunk_size=500):
        yield command, _NAMES[command.kind]


class Migration(migrations.Migration):
    dependencies = [("integrations", "0004_fields_and_rereading")]

    operations = [
        migrations.AddField(
            model_name="command",
            name="words_sealed",
            field=models.BinaryField(null=True),
        ),
        migrations.RunPython(seal, unseal),
    ]

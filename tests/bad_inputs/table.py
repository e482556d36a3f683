"""The one table of bad inputs. Whoever finds another kind adds a row to one of the lists, or a list here."""

from tests.bad_inputs import csv_shapes, csv_values, other_files, settings, settings_command, settings_dataset
from tests.bad_inputs.row import BadInput

FILES: list[BadInput] = [*csv_shapes.ROWS, *csv_values.ROWS, *other_files.ROWS]
SETTINGS: list[BadInput] = [*settings.ROWS, *settings_dataset.ROWS, *settings_command.ROWS]
TABLE: list[BadInput] = [*FILES, *SETTINGS]

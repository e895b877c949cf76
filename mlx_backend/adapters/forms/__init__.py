"""The forms that adapters have in other programs: names, shapes and configurations."""

"""The tags of an adapter, as a person types them: with commas between them."""

from __future__ import annotations

from PySide6.QtCore import Signal

from app.style import Size, sized
from app.widgets.labels import tip
from app.widgets.text_fields import LineField
from mlx_backend.library.adapter_tags import tags_in

_HELP = "Words to find this adapter by, with commas between them. No export has them."


class TagField(LineField):
    """Takes what was typed on Return, and when the focus goes elsewhere."""

    changed = Signal(tuple)
    """The tags are to be these."""

    def __init__(self) -> None:
        super().__init__()
        self._tags: tuple[str, ...] = ()
        self._owner = ""
        self.setPlaceholderText("Add tags, with commas between them")
        self.setAccessibleName("Tags")
        self.setAccessibleDescription(_HELP)
        self.setToolTip(tip(_HELP))
        sized(self, lambda it: it.setFixedHeight(Size.CONTROL))
        sized(self, lambda it: it.setMaximumWidth(Size.DIALOG))
        self.editingFinished.connect(self.take)

    def show_tags(self, tags: tuple[str, ...], owner: str) -> None:
        """Show those of the adapter of this id; what is being typed stays if they are the same."""
        if (tags, owner) != (self._tags, self._owner) or not self.hasFocus():
            self._tags, self._owner = tags, owner
            self.setText(", ".join(tags))

    def take(self) -> None:
        """Take what is typed, if it differs."""
        tags = tags_in(self.text())
        if tags != self._tags:
            self._tags = tags
            self.changed.emit(tags)

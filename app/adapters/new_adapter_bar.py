"""How the receiving or merging of an adapter goes, and why the last one came to nothing."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar, QSizePolicy, QWidget

from app.jobs import new_adapter_story as story
from app.jobs.new_adapters import NewAdapters
from app.style import Size, sized
from app.widgets.labels import button, paragraph
from app.widgets.strip import close_button, lay_out_strip
from mlx_backend.protocol import Progress

_FINEST = 1_000_000  # steps of the bar: Qt counts to 2^31 at most


class NewAdapterBar(QWidget):
    """Progress with Cancel; after a failure its reason, until that is closed."""

    def __init__(self, new_adapters: NewAdapters) -> None:
        super().__init__()
        self._new = new_adapters
        self.text = paragraph()
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress")
        sized(self.progress, lambda it: it.setFixedWidth(Size.SHORT_FIELD))
        self.cancel = button("Cancel", "link")
        self.close_button = close_button()
        strip = lay_out_strip(self, self.text, self.progress, self.cancel, self.close_button)
        sized(strip, lambda it: it.setMinimumHeight(Size.STRIP))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.cancel.clicked.connect(new_adapters.cancel)
        self.close_button.clicked.connect(new_adapters.dismiss)
        new_adapters.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        job, failed, busy = self._new.current, self._new.failed, self._new.is_busy
        if job is not None:
            self.text.setText(f"{story.title(job)}. {story.doing(job)}")
        elif busy:
            self.text.setText("Starting…")
        elif failed is not None:
            self.text.setText(story.why_not(failed))
        self._show_progress(job.status.progress if job is not None else None)
        for part in (self.progress, self.cancel):
            part.setVisible(busy)
        self.cancel.setEnabled(job is not None and not job.stopping)
        self.close_button.setVisible(not busy)
        self.setVisible(busy or failed is not None)

    def _show_progress(self, progress: Progress | None) -> None:
        done, total = (progress.done, progress.total) if progress is not None else (0, 0)
        scale = max(1, total // _FINEST)
        self.progress.setRange(0, total // scale)  # 0: the bar moves to and fro
        self.progress.setValue(done // scale)

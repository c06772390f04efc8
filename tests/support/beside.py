"""What goes on beside a test, on threads of their own."""

import threading


class Beside:
    """Calls work(done) on a thread, from now on; whoever ends it sets done and waits."""

    def __init__(self, work):
        self._done = threading.Event()
        self._thread = threading.Thread(target=work, args=(self._done,), daemon=True)
        self._thread.start()

    def end(self):
        self._done.set()
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Rival(Beside):
    """Writes the root's attributes all the time, as they are: no WATCH of them ever holds."""

    def __init__(self, volume):
        def work(done):
            with volume.redis() as redis:
                while not done.wait(0.001):
                    redis("APPEND", "i1", "")
        super().__init__(work)

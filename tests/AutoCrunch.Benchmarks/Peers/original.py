"""The logic of the Python program that AutoCrunch goes back to, for pyinotify and Python 3: the temporary name's CREATE
is remembered by its final name, a rename to that name runs the job in a pool of processes.

  original.py DIR JOB POOL        new directories are watched too
  original.py DIR - RECORD        the callback alone: on SIGTERM writes "<CLOCK_MONOTONIC ns> <path>" for each file
  original.py DIR + COUNT         counts events: prints "ready", then "<events> <overflows> <seconds>"
"""
import multiprocessing, os, signal, subprocess, sys, time
import pyinotify


class Arrivals(pyinotify.ProcessEvent):
    def my_init(self, process):
        self.temporaries = {}
        self.process = process

    def process_IN_CREATE(self, event):
        final = os.path.splitext(event.name[1:])[0]
        if '.raw' in final:
            self.temporaries[final] = event.pathname

    def process_IN_MOVED_TO(self, event):
        if event.name in self.temporaries:
            self.temporaries.pop(event.name)
            self.process(event.pathname)


class Counter(pyinotify.ProcessEvent):
    def my_init(self, wanted):
        self.wanted, self.count, self.overflows, self.start = wanted, 0, 0, 0.0

    def process_IN_Q_OVERFLOW(self, event):
        self.overflows += 1

    def process_IN_MOVED_TO(self, event):
        self.start = self.start or time.monotonic()
        self.count += 1
        if self.count == self.wanted:
            print(self.count, self.overflows, time.monotonic() - self.start, flush=True)
            sys.exit(0)


def run(job, path):
    subprocess.call([job, path])


def main():
    directory, job, last = sys.argv[1:]
    manager = pyinotify.WatchManager()
    mask = pyinotify.IN_CREATE | pyinotify.IN_MOVED_TO
    if job == '+':
        handler = Counter(wanted=int(last))
        mask = pyinotify.IN_MOVED_TO
    elif job == '-':
        seen = []
        handler = Arrivals(process=lambda path: seen.append((time.monotonic_ns(), path)))

        def write(*_):
            with open(last, 'w') as record:
                record.writelines(f'{ns} {path}\n' for ns, path in seen)
            os._exit(0)
        signal.signal(signal.SIGTERM, write)
    else:
        pool = multiprocessing.Pool(int(last))
        handler = Arrivals(process=lambda path: pool.apply_async(run, [job, path]))
    notifier = pyinotify.Notifier(manager, handler)
    manager.add_watch(directory, mask, rec=True, auto_add=True)
    print('ready', flush=True)
    notifier.loop()


if __name__ == '__main__':
    main()

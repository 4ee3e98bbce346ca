// A normalised store: one collection for each kind, by key. Readers get immutable rows; a change replaces a row and tells its
// collection's listeners once for each frame, with the keys that changed, however many events came in between.

export type Changes = ReadonlySet<string> | 'all';
type Listener = (changes: Changes) => void;
type Schedule = (flush: () => void) => void;

// Beyond so many keys in one frame, listeners are told that everything may have changed.
const KEYS_TOLD_MAX = 2000;

export class Collection<T> {
  private readonly rows = new Map<string, T>();
  private readonly listeners = new Set<Listener>();
  private changed: Set<string> | 'all' = new Set();
  private scheduled = false;
  private sorted: T[] | undefined;
  // Grows with each change; a snapshot for useSyncExternalStore.
  version = 0;

  constructor(
    private readonly keyOf: (row: T) => string,
    private readonly schedule: Schedule,
  ) {}

  get size(): number {
    return this.rows.size;
  }

  get(key: string): T | undefined {
    return this.rows.get(key);
  }

  keys(): IterableIterator<string> {
    return this.rows.keys();
  }

  // Rows in the order in which they came; the same array until something changes.
  values(): readonly T[] {
    this.sorted ??= [...this.rows.values()];
    return this.sorted;
  }

  put(row: T): void {
    const key = this.keyOf(row);
    this.rows.set(key, row);
    this.touch(key);
  }

  putAll(rows: readonly T[]): void {
    for (const row of rows) this.put(row);
  }

  // Replaces everything: what is not among the rows is gone.
  replace(rows: readonly T[]): void {
    this.rows.clear();
    for (const row of rows) this.rows.set(this.keyOf(row), row);
    this.touch('all');
  }

  // Changes a row that is there; one that is not is left to be read.
  patch(key: string, change: (row: T) => T): boolean {
    const row = this.rows.get(key);
    if (row === undefined) return false;
    const next = change(row);
    if (next === row) return true;
    this.rows.set(key, next);
    this.touch(key);
    return true;
  }

  remove(key: string): void {
    if (this.rows.delete(key)) this.touch(key);
  }

  clear(): void {
    if (this.rows.size === 0) return;
    this.rows.clear();
    this.touch('all');
  }

  subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private touch(key: string): void {
    this.sorted = undefined;
    if (key === 'all') this.changed = 'all';
    else if (this.changed !== 'all') {
      this.changed.add(key);
      if (this.changed.size > KEYS_TOLD_MAX) this.changed = 'all';
    }
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(() => {
      this.scheduled = false;
      const changes = this.changed;
      this.changed = new Set();
      this.version += 1;
      for (const listener of this.listeners) listener(changes);
    });
  }
}

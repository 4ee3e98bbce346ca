import type { Client } from './client';
import { queryText } from './client';
import { Problem } from './problem';
import { ServerSentEventParser } from './sse';
import type { EventView } from './types';

export type Connection =
  | { state: 'connecting' }
  | { state: 'live' }
  | { state: 'off' }  // nothing is followed
  | { state: 'waiting'; retryAt: number; attempt: number };

const SILENCE_MAX_MS = 45_000;  // the brain says something every 15 s
const BACKOFF_MAX_MS = 15_000;

// The wait before attempt `attempt` (from 1): doubling from the server's own time, with up to a quarter taken off so that many
// consoles do not come back at once.
export function backoffMs(attempt: number, retryMs: number, random: number): number {
  const wait = Math.min(BACKOFF_MAX_MS, retryMs * 2 ** Math.min(attempt - 1, 10));
  return Math.round(wait * (1 - random / 4));
}

export interface EventStreamOptions {
  client: Client;
  from: string;
  names: readonly string[];
  onEvents: (events: EventView[]) => void;
  onConnection: (connection: Connection) => void;
}

// Follows the ledger from a position on, and comes back by itself with Last-Event-ID. Nothing is missed or seen twice.
export class EventStream {
  private readonly ended = new AbortController();
  private last = '';
  private wake: () => void = () => undefined;
  private attempt: AbortController | undefined;
  private reopening = false;

  constructor(private readonly options: EventStreamOptions) {
    void this.follow();
  }

  close(): void {
    this.ended.abort();
    this.wake();
  }

  // Goes on at once in the language that the client speaks now.
  reopen(): void {
    this.reopening = this.attempt !== undefined;
    this.attempt?.abort();
  }

  // Tries again at once, as when the network has come back.
  retryNow(): void {
    this.wake();
  }

  private async follow(): Promise<void> {
    let attempt = 0;
    let retryMs = 1000;
    while (!this.ended.signal.aborted) {
      if (attempt === 0) this.options.onConnection({ state: 'connecting' });
      try {
        await this.read((ms) => {
          attempt = 0;
          if (ms !== undefined) retryMs = ms;
        });
      } catch (error) {
        if (error instanceof Problem && error.signedOut) return;
      }
      if (this.ended.signal.aborted) return;
      if (this.reopening) {
        this.reopening = false;
        continue;
      }
      attempt += 1;
      const wait = backoffMs(attempt, retryMs, Math.random());
      this.options.onConnection({ state: 'waiting', retryAt: Date.now() + wait, attempt });
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  private async read(onAlive: (retryMs: number | undefined) => void): Promise<void> {
    const attempt = new AbortController();
    this.attempt = attempt;
    const end = () => attempt.abort();
    this.ended.signal.addEventListener('abort', end);
    let silence = setTimeout(end, SILENCE_MAX_MS);
    try {
      const query = queryText({ from: this.options.from, names: this.options.names.join(','), language: this.options.client.language });
      const headers: Record<string, string> = { Accept: 'text/event-stream' };
      if (this.last !== '') headers['Last-Event-ID'] = this.last;
      const response = await this.options.client.open(`/v1/events${query}`, { headers, signal: attempt.signal });
      if (response.body === null) throw new Problem('unsupported', 'the answer has no body to stream');
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new ServerSentEventParser();
      onAlive(undefined);
      this.options.onConnection({ state: 'live' });
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(end, SILENCE_MAX_MS);
        const events: EventView[] = [];
        for (const sent of parser.push(value)) {
          if (sent.event === 'error') continue;
          events.push(JSON.parse(sent.data) as EventView);
          if (sent.id !== '') this.last = sent.id;
        }
        onAlive(parser.retryMs);
        if (events.length > 0) this.options.onEvents(events);
      }
    } finally {
      clearTimeout(silence);
      this.ended.signal.removeEventListener('abort', end);
      this.attempt = undefined;
      attempt.abort();
    }
  }
}

import type { Client } from '../api/client';
import { EventStream, type Connection } from '../api/event_stream';
import { asProblem, Problem } from '../api/problem';
import type { EventView, Me } from '../api/types';
import type { Language } from '../i18n/dictionary';
import { Domain, slimPlan } from './domain';
import { Reader } from './reader';
import { applyEvent, FOLLOWED } from './reducer';

export type Loading = { state: 'loading'; step: string; count: number } | { state: 'ready' } | { state: 'failed'; problem: Problem };

type OnDemand = 'run' | 'node';

// One signed-in session: reads everything once, then follows the ledger from the position at which it began to read, so that
// nothing falls between. Runs and nodes are read when a page first shows them.
export class Live {
  readonly domain = new Domain();
  readonly client: Client;
  connection: Connection = { state: 'connecting' };
  loading: Loading = { state: 'loading', step: 'site', count: 0 };
  private readonly reader: Reader;
  private readonly listeners = new Set<() => void>();
  private readonly eventListeners = new Set<(events: readonly EventView[]) => void>();
  private readonly demanded = new Map<OnDemand, Promise<void>>();
  private stream: EventStream | undefined;
  private closed = false;

  constructor(client: Client, readonly me: Me) {
    this.client = client;
    this.reader = new Reader(this.client, this.domain);
    void this.load();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  onEvents(listener: (events: readonly EventView[]) => void): () => void {
    this.eventListeners.add(listener);
    return () => this.eventListeners.delete(listener);
  }

  close(): void {
    this.closed = true;
    this.stream?.close();
    this.reader.close();
  }

  // What is listed with reasons is read again in another language.
  speak(language: Language): void {
    if (this.client.language === language) return;
    this.client.language = language;
    this.reader.again('intent');
    this.reader.again('plansOf');
    this.domain.events.clear();
    this.stream?.reopen();
  }

  retryNow = (): void => this.stream?.retryNow();

  reload = (): void => {
    this.stream?.close();
    this.demanded.clear();
    void this.load();
  };

  // Rows of a kind that is not read at the beginning; later events keep them.
  demand(kind: OnDemand): Promise<void> {
    const known = this.demanded.get(kind);
    if (known !== undefined) return known;
    const rows = kind === 'run' ? this.domain.runs : this.domain.nodes;
    const reading = this.client
      .all(kind, {}, (items) => rows.putAll(items as never[]))
      .then(() => undefined)
      .catch((error: unknown) => {
        this.demanded.delete(kind);
        throw error;
      });
    this.demanded.set(kind, reading);
    return reading;
  }

  // The same again, for what no event tells: how much has been used.
  renew(kind: OnDemand): Promise<void> {
    this.demanded.delete(kind);
    return this.demand(kind);
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }

  private async load(): Promise<void> {
    const { client, domain } = this;
    try {
      const from = (await client.page('site', { page_size: 1 })).version;
      let count = 0;
      const step = async <T>(name: string, rows: { replace(rows: readonly T[]): void }, read: (onPage: (page: T[]) => void) => Promise<T[]>) => {
        this.loading = { state: 'loading', step: name, count };
        this.tell();
        const all = await read((page) => {
          count += page.length;
          this.loading = { state: 'loading', step: name, count };
          this.tell();
        });
        rows.replace(all);
      };
      // What a role may not list at all, it has none of.
      const own = <T>(reading: Promise<T[]>): Promise<T[]> => reading.catch((error: unknown) => {
        if (error instanceof Problem && error.code === 'denied' && !error.signedOut) return [];
        throw error;
      });
      await step('site', domain.sites, (onPage) => own(client.all('site', {}, onPage)));
      await step('router', domain.routers, (onPage) => own(client.all('router', {}, onPage)));
      await step('link', domain.links, (onPage) => own(client.all('link', {}, onPage)));
      await step('tenant', domain.tenants, (onPage) => own(client.all('tenant', {}, onPage)));
      await step('intent', domain.intents, (onPage) => own(client.all('intent', {}, onPage)));
      await step('plan', domain.plans, async (onPage) => {
        const slim: ReturnType<typeof slimPlan>[] = [];
        await own(client.all('plan', {}, (page) => {
          for (const plan of page) slim.push(slimPlan(plan));
          onPage(page);
        }));
        return slim;
      });
      await step('workflow', domain.workflows, (onPage) => own(client.all('workflow', {}, onPage)));
      await step('queue', domain.queues, (onPage) => own(client.all('queue', {}, onPage)));
      if (this.closed) return;
      this.loading = { state: 'ready' };
      this.tell();
      // Providers may read no events.
      if (this.me.role === 'ROLE_PROVIDER') this.connection = { state: 'off' };
      else this.follow(from);
      this.tell();
    } catch (error) {
      if (this.closed) return;
      this.loading = { state: 'failed', problem: asProblem(error) };
      this.tell();
    }
  }

  private follow(from: string): void {
    this.stream = new EventStream({
      client: this.client,
      from,
      names: FOLLOWED,
      onConnection: (connection) => {
        this.connection = connection;
        this.tell();
      },
      onEvents: (events) => {
        this.domain.remember(events);
        const readings = events.flatMap((event) => applyEvent(this.domain, event));
        // Kinds that no page has asked for yet are not kept up to date.
        this.reader.want(
          readings.filter((reading) => {
            if (reading.kind === 'nodesOf' || reading.kind === 'nodes') return this.demanded.has('node');
            if (reading.kind === 'runsOf') return this.demanded.has('run');
            return true;
          }),
        );
        for (const listener of this.eventListeners) listener(events);
      },
    });
  }
}

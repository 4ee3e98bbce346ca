import type { Client } from '../api/client';
import { Problem } from '../api/problem';
import { slimPlan, type Domain } from './domain';
import type { Reading } from './reducer';

const DEBOUNCE_MS = 120;
const AT_ONCE = 3;
// So many resources of one kind that wait are read as a list: fewer requests, and pages of one version.
const LIST_FROM = 200;
// Between two readings of the same thing: what changes all the time is not asked for all the time.
const AGAIN_MS = 1000;

const keyOf = (reading: Reading): string => `${reading.kind} ${reading.tenant ?? ''}/${reading.name}`;

// Reads again what events have made stale: each once, however many events name it, a few at a time.
export class Reader {
  private readonly waiting = new Map<string, Reading>();
  private readonly readAt = new Map<string, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private active = 0;
  private closed = false;

  constructor(
    private readonly client: Client,
    private readonly domain: Domain,
    private readonly now: () => number = () => performance.now(),
  ) {}

  want(readings: readonly Reading[]): void {
    for (const reading of readings) this.waiting.set(keyOf(reading), reading);
    this.arm(DEBOUNCE_MS);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.waiting.clear();
  }

  private arm(ms: number): void {
    if (this.closed || this.waiting.size === 0 || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.pump();
    }, ms);
  }

  private pump(): void {
    this.gather();
    let soonest = Infinity;
    for (const [key, reading] of this.waiting) {
      if (this.active >= AT_ONCE) return;
      const since = this.now() - (this.readAt.get(key) ?? -Infinity);
      if (since < AGAIN_MS) {
        soonest = Math.min(soonest, AGAIN_MS - since);
        continue;
      }
      this.waiting.delete(key);
      this.readAt.set(key, this.now());
      this.active += 1;
      void this.read(reading)
        .catch(() => undefined)  // what cannot be read now is read with its next event, or when the connection is back
        .finally(() => {
          this.active -= 1;
          this.arm(0);
        });
    }
    if (this.readAt.size > 20_000) this.readAt.clear();
    if (soonest < Infinity) this.arm(soonest);
  }

  // Many of a kind become one list.
  private gather(): void {
    const count = new Map<string, number>();
    for (const reading of this.waiting.values()) count.set(reading.kind, (count.get(reading.kind) ?? 0) + 1);
    for (const [kind, many] of count) {
      if (many < LIST_FROM) continue;
      for (const [key, reading] of this.waiting) if (reading.kind === kind) this.waiting.delete(key);
      this.active += 1;
      void this.readAll(kind as Reading['kind'])
        .catch(() => undefined)
        .finally(() => {
          this.active -= 1;
          this.arm(0);
        });
    }
  }

  private async readAll(kind: Reading['kind']): Promise<void> {
    const { client, domain } = this;
    switch (kind) {
      case 'site': return domain.sites.replace(await client.all('site'));
      case 'router': return domain.routers.replace(await client.all('router'));
      case 'link': return domain.links.replace(await client.all('link'));
      case 'queue':
      case 'queues': return domain.queues.replace(await client.all('queue'));
      case 'tenant': return domain.tenants.replace(await client.all('tenant'));
      case 'intent': return domain.intents.replace(await client.all('intent'));
      case 'workflow': return domain.workflows.replace(await client.all('workflow'));
      case 'plansOf': return domain.plans.replace((await client.all('plan')).map(slimPlan));
      case 'run':
      case 'runsOf': return domain.runs.replace(await client.all('run'));
      case 'nodesOf':
      case 'nodes': return domain.nodes.replace(await client.all('node'));
    }
  }

  private async read(reading: Reading): Promise<void> {
    const { client, domain } = this;
    const { name } = reading;
    switch (reading.kind) {
      case 'site': return this.one(domain.sites, 'site', name, '', name);
      case 'router': return this.one(domain.routers, 'router', name, '', name);
      case 'link': return this.one(domain.links, 'link', name, '', name);
      case 'queue': return this.one(domain.queues, 'queue', name, '', name);
      case 'tenant': return this.one(domain.tenants, 'tenant', name, '', name);
      case 'intent': return this.one(domain.intents, 'intent', name, reading.tenant, `${reading.tenant}/${name}`);
      case 'workflow': return this.one(domain.workflows, 'workflow', name, reading.tenant, `${reading.tenant}/${name}`);
      case 'run': {
        await this.one(domain.runs, 'run', name, reading.tenant, name);
        const run = domain.runs.get(name);
        if (run?.intent !== undefined) this.want([{ kind: 'intent', name: run.intent, tenant: run.tenant ?? '' }]);
        return;
      }
      case 'plansOf': {
        const plans = (await client.all('plan', { tenant: reading.tenant, filter: `intent=${name}` })).map(slimPlan);
        this.exchange(domain.plans, plans, (plan) => plan.intent === name && plan.tenant === reading.tenant, (plan) => plan.position ?? '0');
        const touched = new Set<string>();
        for (const plan of plans) for (const placement of plan.placements ?? []) if (placement.site) touched.add(placement.site);
        this.want([...touched].map((site): Reading => ({ kind: 'site', name: site })));
        return;
      }
      case 'runsOf': {
        const runs = await client.all('run', { tenant: reading.tenant, filter: `intent=${name}` });
        return this.exchange(domain.runs, runs, (run) => run.intent === name && run.tenant === reading.tenant,
          (run) => `${run.id?.plan ?? '0'}.${run.id?.item ?? 0}`);
      }
      case 'nodesOf': return domain.nodes.putAll(await client.all('node', { filter: `site=${name}` }));
      case 'nodes':
      case 'queues': return this.readAll(reading.kind);
    }
  }

  private async one<T>(
    rows: { put(row: T): void; remove(key: string): void },
    kind: 'site' | 'router' | 'link' | 'queue' | 'tenant' | 'intent' | 'workflow' | 'run',
    name: string, tenant: string, key: string,
  ): Promise<void> {
    try {
      rows.put((await this.client.get(kind, name, tenant)) as T);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 404) throw error;
      rows.remove(key);
    }
  }

  private exchange<T>(
    rows: { values(): readonly T[]; putAll(rows: readonly T[]): void; remove(key: string): void },
    next: readonly T[], of: (row: T) => boolean, key: (row: T) => string,
  ): void {
    const kept = new Set(next.map(key));
    for (const row of rows.values()) if (of(row) && !kept.has(key(row))) rows.remove(key(row));
    rows.putAll(next);
  }
}

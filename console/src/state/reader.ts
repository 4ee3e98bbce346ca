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
// After a failure, doubled with each further one.
const PATIENCE_MS = 2000;
const PATIENCE_MS_MAX = 30_000;
// Beyond so many names, times that have passed are forgotten.
const TIMES_KEPT_MAX = 20_000;

type Wanted = Reading | { kind: 'all'; name: Reading['kind']; tenant?: undefined };

const keyOf = (wanted: Wanted): string => `${wanted.kind} ${wanted.tenant ?? ''}/${wanted.name}`;

// Asked again, the brain would say the same: only an event can change it.
const isFinal = (error: unknown): boolean => error instanceof Problem && [401, 403, 404].includes(error.status);

// Reads again what events have made stale: each once, however many events name it, a few at a time, and until it has been read.
export class Reader {
  private readonly waiting = new Map<string, Wanted>();
  private readonly notBefore = new Map<string, number>();
  private readonly failures = new Map<string, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wakesAt = 0;
  private active = 0;
  private closed = false;

  constructor(
    private readonly client: Client,
    private readonly domain: Domain,
    private readonly now: () => number = () => performance.now(),
  ) {}

  want(readings: readonly Reading[]): void {
    if (this.closed) return;
    for (const reading of readings) this.waiting.set(keyOf(reading), reading);
    this.arm(DEBOUNCE_MS);
  }

  // All of a kind.
  again(name: Reading['kind']): void {
    const list: Wanted = { kind: 'all', name };
    this.waiting.set(keyOf(list), list);
    this.arm(0);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.waiting.clear();
  }

  private arm(ms: number): void {
    if (this.closed || this.waiting.size === 0) return;
    const at = this.now() + ms;
    if (this.timer !== undefined && this.wakesAt <= at) return;
    clearTimeout(this.timer);
    this.wakesAt = at;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.pump();
    }, ms);
  }

  private pump(): void {
    this.gather();
    const now = this.now();
    let soonest = Infinity;
    for (const [key, wanted] of this.waiting) {
      if (this.active >= AT_ONCE) return;
      const wait = (this.notBefore.get(key) ?? -Infinity) - now;
      if (wait > 0) soonest = Math.min(soonest, wait);
      else void this.begin(key, wanted);
    }
    if (this.notBefore.size > TIMES_KEPT_MAX) for (const [key, at] of this.notBefore) if (at <= now) this.notBefore.delete(key);
    if (soonest < Infinity) this.arm(soonest);
  }

  private async begin(key: string, wanted: Wanted): Promise<void> {
    this.waiting.delete(key);
    this.notBefore.set(key, this.now() + AGAIN_MS);
    this.active += 1;
    try {
      await (wanted.kind === 'all' ? this.readAll(wanted.name) : this.read(wanted));
      this.failures.delete(key);
    } catch (error) {
      if (isFinal(error)) this.failures.delete(key);
      else this.putBack(key, wanted);
    }
    this.active -= 1;
    this.arm(0);
  }

  private putBack(key: string, wanted: Wanted): void {
    if (this.closed) return;
    const failures = (this.failures.get(key) ?? 0) + 1;
    this.failures.set(key, failures);
    this.notBefore.set(key, this.now() + Math.min(PATIENCE_MS_MAX, PATIENCE_MS * 2 ** (failures - 1)));
    this.waiting.set(key, wanted);
  }

  // Many of a kind become one list.
  private gather(): void {
    const count = new Map<Reading['kind'], number>();
    for (const { kind } of this.waiting.values()) if (kind !== 'all') count.set(kind, (count.get(kind) ?? 0) + 1);
    for (const [kind, many] of count) {
      if (many < LIST_FROM) continue;
      for (const [key, wanted] of this.waiting) {
        if (wanted.kind !== kind) continue;
        this.waiting.delete(key);
        this.failures.delete(key);
      }
      const list: Wanted = { kind: 'all', name: kind };
      this.waiting.set(keyOf(list), list);
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

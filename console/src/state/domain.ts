import type { EventView, Intent, Link, Node, Plan, Queue, Router, Run, Site, Tenant, Workflow } from '../api/types';
import { Collection } from './store';

export const runKey = (run: Run): string => `${run.id?.plan ?? '0'}.${run.id?.item ?? 0}`;
export const ownedKey = (row: { metadata: { name: string; tenant?: string } }): string =>
  `${row.metadata.tenant ?? ''}/${row.metadata.name}`;
export const intentKey = (tenant: string | undefined, name: string | undefined): string => `${tenant ?? ''}/${name ?? ''}`;

// Events that are kept for the lists of recent ones; older ones are asked for.
const RECENT_MAX = 2000;

// What the console knows of the domain. Plans are kept without their decision in numbers, which a page asks for when it shows one.
export class Domain {
  readonly sites: Collection<Site>;
  readonly routers: Collection<Router>;
  readonly links: Collection<Link>;
  readonly intents: Collection<Intent>;
  readonly plans: Collection<Plan>;
  readonly runs: Collection<Run>;
  readonly nodes: Collection<Node>;
  readonly queues: Collection<Queue>;
  readonly workflows: Collection<Workflow>;
  readonly tenants: Collection<Tenant>;
  readonly events: Collection<EventView>;

  constructor(schedule: (flush: () => void) => void = (flush) => setTimeout(flush, 16)) {
    this.sites = new Collection((row) => row.metadata.name, schedule);
    this.routers = new Collection((row) => row.metadata.name, schedule);
    this.links = new Collection((row) => row.metadata.name, schedule);
    this.intents = new Collection(ownedKey, schedule);
    this.plans = new Collection((row) => row.position ?? '0', schedule);
    this.runs = new Collection(runKey, schedule);
    this.nodes = new Collection((row) => String(row.id ?? 0), schedule);
    this.queues = new Collection((row) => row.metadata.name, schedule);
    this.workflows = new Collection(ownedKey, schedule);
    this.tenants = new Collection((row) => row.metadata.name, schedule);
    this.events = new Collection((row) => row.position ?? '0', schedule);
  }

  remember(events: readonly EventView[]): void {
    this.events.putAll(events);
    const over = this.events.size - RECENT_MAX;
    if (over <= 0) return;
    let dropped = 0;
    for (const key of [...this.events.keys()]) {
      if (dropped >= over) break;
      this.events.remove(key);
      dropped += 1;
    }
  }
}

export function slimPlan(plan: Plan): Plan {
  const { value, alternatives: _alternatives, ...kept } = plan;
  return {
    ...kept,
    value: {
      ...(value?.powerMw === undefined ? {} : { powerMw: value.powerMw }),
      ...(value?.carbonMgPerHour === undefined ? {} : { carbonMgPerHour: value.carbonMgPerHour }),
      ...(value?.billedPerHour === undefined ? {} : { billedPerHour: value.billedPerHour }),
    },
  };
}

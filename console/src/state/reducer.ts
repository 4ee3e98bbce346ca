import { changeOf } from '../api/record';
import type { EventView, Link } from '../api/types';
import type { Domain } from './domain';

// What has to be read again after an event: one resource, or the rows of an intent.
export type Reading =
  | { kind: 'site' | 'router' | 'link' | 'queue' | 'tenant'; name: string; tenant?: undefined }
  | { kind: 'intent' | 'workflow' | 'plansOf' | 'runsOf'; name: string; tenant: string }
  | { kind: 'run'; name: string; tenant: string }
  | { kind: 'nodesOf'; name: string; tenant?: undefined }
  | { kind: 'nodes' | 'queues'; name: ''; tenant?: undefined };

// The kinds of events that the console follows: all that change what it draws. UsageReported, of which there is one for each run
// each few seconds, is left out: what it changes is read when it is shown.
export const FOLLOWED: readonly string[] = [
  'DomainCreated', 'BrainStarted', 'TenantDefined', 'RouterDefined', 'SiteDefined', 'LinkDefined', 'NodesReported',
  'SiteStateChanged', 'LinkStateChanged', 'LinkMeasured', 'IntentSubmitted', 'IntentWithdrawn', 'PlanCommitted', 'PlanRetired',
  'IntentRefused', 'RunStateChanged', 'PathSwitched', 'PromiseMeasured', 'PromiseStateChanged', 'TokenIssued', 'TokenRedeemed',
  'TokenRevoked', 'CertificateRevoked', 'WorkMeasured', 'SiteSteeringChanged', 'QueueDefined', 'JobPreempted',
  'ReservationDefined', 'ReservationCancelled', 'NodeCordoned', 'ShadowPricesRevised', 'PricesRevised', 'WorkflowSubmitted',
  'WorkflowPlanned', 'WorkflowWithdrawn', 'JobResized',
];

export function linkState(link: Link): string {
  const { forward, backward } = link.status ?? {};
  if (forward === undefined && backward === undefined) return link.status?.state ?? 'down';
  if (forward?.up && backward?.up) return 'up';
  return forward?.up || backward?.up ? 'half' : 'down';
}

// "intent/city/cameras" without its first word, and the owner apart from the name: "run/75.0" has none.
export function splitSubject(subject: string): { kind: string; tenant: string; name: string } {
  const slash = subject.indexOf('/');
  if (slash < 0) return { kind: subject, tenant: '', name: '' };
  const kind = subject.slice(0, slash);
  const rest = subject.slice(slash + 1);
  const owner = kind === 'intent' || kind === 'workflow' ? rest.indexOf('/') : -1;
  return owner < 0 ? { kind, tenant: '', name: rest } : { kind, tenant: rest.slice(0, owner), name: rest.slice(owner + 1) };
}

// Applies what the event says by itself, and tells what else it may have changed. The same event twice is the same as once.
export function applyEvent(domain: Domain, event: EventView): Reading[] {
  const { kind, tenant: owner, name } = splitSubject(event.subject ?? '');
  const tenant = owner || event.tenant || '';
  const intent = (...more: ('plansOf' | 'runsOf')[]): Reading[] => [
    { kind: 'intent', name, tenant },
    ...more.map((reading): Reading => ({ kind: reading, name, tenant })),
  ];
  switch (event.name) {
    case 'SiteStateChanged': {
      const change = changeOf(event.record);
      if (change?.body === 'site' && change.state !== '') {
        domain.sites.patch(name, (site) => ({ ...site, status: { ...site.status, state: change.state, why: change.why } }));
      }
      return [{ kind: 'site', name }];
    }
    case 'LinkStateChanged': {
      const change = changeOf(event.record);
      if (change?.body === 'link') {
        domain.links.patch(name, (link) => {
          const way = change.direction === 0 ? 'forward' : 'backward';
          const next: Link = {
            ...link,
            status: { ...link.status, [way]: { ...link.status?.[way], up: change.up, why: change.why } },
          };
          return { ...next, status: { ...next.status, state: linkState(next) } };
        });
      }
      return [{ kind: 'link', name }];
    }
    case 'SiteDefined':
    case 'SiteSteeringChanged':
      return [{ kind: 'site', name }];
    case 'CertificateRevoked':
      return [{ kind: 'site', name }];
    case 'NodesReported':
      return [{ kind: 'site', name }, { kind: 'nodesOf', name }];
    case 'NodeCordoned':
      return [{ kind: 'nodes', name: '' }];
    case 'RouterDefined':
      return [{ kind: 'router', name }];
    case 'LinkDefined':
    case 'LinkMeasured':
      return [{ kind: 'link', name }];
    case 'TenantDefined':
      return [{ kind: 'tenant', name }];
    case 'QueueDefined':
      return [{ kind: 'queue', name }];
    case 'PlanCommitted':
    case 'PlanRetired':
    case 'JobPreempted':
    case 'JobResized':
      return [...intent('plansOf', 'runsOf'), { kind: 'queues', name: '' }];
    case 'PathSwitched':
      return intent('plansOf');
    case 'IntentSubmitted':
      return [...intent(), { kind: 'queues', name: '' }];
    case 'IntentWithdrawn':
      return [...intent('plansOf', 'runsOf'), { kind: 'queues', name: '' }];
    case 'IntentRefused':
    case 'PromiseMeasured':
    case 'PromiseStateChanged':
    case 'WorkMeasured':
      return intent();
    case 'RunStateChanged': {
      const change = changeOf(event.record);
      if (change?.body === 'run' && change.state !== '') {
        domain.runs.patch(name, (run) => ({ ...run, state: change.state, exit_code: change.exitCode, why: change.why }));
      }
      const readings: Reading[] = [{ kind: 'run', name, tenant }];
      const run = domain.runs.get(name);
      const plan = domain.plans.get(name.slice(0, name.indexOf('.')));
      const of = run?.intent ?? plan?.intent;
      if (of !== undefined) readings.push({ kind: 'intent', name: of, tenant: run?.tenant ?? plan?.tenant ?? tenant });
      return readings;
    }
    case 'WorkflowSubmitted':
    case 'WorkflowPlanned':
    case 'WorkflowWithdrawn':
      return [{ kind: 'workflow', name, tenant }];
    default:
      return kind === 'site' ? [{ kind: 'site', name }] : [];
  }
}

import type { Intent, Link, Site, Workflow } from '../../api/types';
import { routeText } from '../../router';
import { ownedKey } from '../../state/domain';
import { linkState } from '../../state/reducer';
import { promiseState } from '../work/intent_list';

export type AlarmKind = 'downSites' | 'downLinks' | 'broken' | 'failed' | 'refused' | 'workflows' | 'notRunning' | 'waiting';

export interface Alarm {
  name: string;
  href: string;
  state: string;
  why: string;
}

export interface AlarmGroup {
  kind: AlarmKind;
  alarms: Alarm[];
}

// What an operator would want to be told, the gravest kind first.
export function alarmsOf(sites: readonly Site[], links: readonly Link[], intents: readonly Intent[], workflows: readonly Workflow[]): AlarmGroup[] {
  const groups: Record<AlarmKind, Alarm[]> = { downSites: [], downLinks: [], broken: [], failed: [], refused: [], workflows: [], notRunning: [], waiting: [] };
  for (const site of sites) {
    const state = site.status?.state ?? 'unknown';
    if (state !== 'up') groups.downSites.push({ name: site.metadata.name, href: routeText(['map'], { site: site.metadata.name }), state, why: site.status?.why ?? '' });
  }
  for (const link of links) {
    const state = linkState(link);
    if (state === 'up') continue;
    groups.downLinks.push({
      name: link.metadata.name, href: routeText(['map'], { link: link.metadata.name }), state,
      why: link.status?.forward?.up === true ? link.status.backward?.why ?? '' : link.status?.forward?.why ?? link.status?.backward?.why ?? '',
    });
  }
  for (const intent of intents) {
    const state = intent.status?.state ?? 'pending';
    const { tenant = '', name } = intent.metadata;
    const alarm = { name: ownedKey(intent), href: routeText(['work', 'intent', tenant, name]), state, why: intent.status?.why ?? '' };
    if (state === 'refused' || state === 'failed') groups[state].push(alarm);
    else if (state === 'waiting' || state === 'pending') groups.waiting.push(alarm);
    else if (state === 'placed') groups.notRunning.push(alarm);
    if (promiseState(intent) === 'broken') groups.broken.push({ ...alarm, state: 'broken' });
  }
  for (const workflow of workflows) {
    if (workflow.status?.state !== 'refused') continue;
    const { tenant = '', name } = workflow.metadata;
    groups.workflows.push({ name: ownedKey(workflow), href: routeText(['work', 'workflow', tenant, name]), state: 'refused', why: workflow.status.why ?? '' });
  }
  return (Object.keys(groups) as AlarmKind[]).map((kind) => ({ kind, alarms: groups[kind] })).filter((group) => group.alarms.length > 0);
}

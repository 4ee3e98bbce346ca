import { useMemo } from 'react';
import type { Intent } from '../../api/types';
import { Name, StateChip, Time } from '../../components/basics';
import { FilterBar } from '../../components/filter_bar';
import { VirtualTable, type Column } from '../../components/virtual_table';
import { creditsShort } from '../../format/money';
import { latency } from '../../format/units';
import { replaceQuery, routeText, useRoute } from '../../router';
import { ownedKey } from '../../state/domain';
import { useText } from '../../state/preferences';
import { useLive, useRows } from '../../state/session';

const INTENT_STATES = ['running', 'placed', 'pending', 'refused', 'finished', 'failed', 'withdrawn'];
const JOB_STATES = ['waiting', ...INTENT_STATES];

// The words of a promise, nothing while nothing has been measured.
export function promiseState(intent: Intent): string {
  const { status } = intent;
  if (status?.has_plan === undefined || (status.samples ?? '0') === '0') return '';
  return status.promise_kept ? 'kept' : 'broken';
}

export const intentHref = (tenant: string | undefined, name: string | undefined): string => routeText(['work', 'intent', tenant ?? '', name ?? '']);

function useFiltered(list: string, of: (intent: Intent) => boolean) {
  const { domain } = useLive();
  const { query } = useRoute();
  const all = useRows(domain.intents);
  const rows = useMemo(() => all.filter(of), [all, of]);
  const text = (query.filter ?? '').toLowerCase();
  const shown = useMemo(
    () => rows.filter((intent) => (text === '' || ownedKey(intent).toLowerCase().includes(text)) && (!query.state || intent.status?.state === query.state)),
    [rows, text, query.state],
  );
  return { rows, shown, query, change: (next: Record<string, string>) => replaceQuery(['work', list], { ...query, ...next }) };
}

const isService = (intent: Intent): boolean => intent.spec?.workload?.job === undefined;
const isJob = (intent: Intent): boolean => intent.spec?.workload?.job !== undefined;

function useNameColumns(): Column<Intent>[] {
  const t = useText();
  return [
    { id: 'name', title: t.column.name, width: '2fr', cell: (intent) => <a href={intentHref(intent.metadata.tenant, intent.metadata.name)}><Name text={intent.metadata.name} /></a> },
    { id: 'tenant', title: t.column.tenant, width: '1fr', wide: true, cell: (intent) => <Name text={intent.metadata.tenant} /> },
    { id: 'state', title: t.column.state, width: '6.5rem', cell: (intent) => <StateChip state={intent.status?.state} /> },
  ];
}

export function IntentList() {
  const t = useText();
  const { rows, shown, query, change } = useFiltered('intents', isService);
  const columns: Column<Intent>[] = [
    ...useNameColumns(),
    { id: 'instances', title: t.column.instances, width: '5rem', figure: true, wide: true, cell: (intent) => `${intent.status?.instances_running ?? 0}/${intent.status?.instances ?? 0}` },
    { id: 'promise', title: t.column.promise, width: '5.5rem', cell: (intent) => <StateChip state={promiseState(intent)} /> },
    { id: 'predicted', title: t.column.predicted, width: '5.5rem', figure: true, wide: true, cell: (intent) => (intent.status?.latency_us_predicted === undefined ? '–' : latency(intent.status.latency_us_predicted)) },
    { id: 'measured', title: t.column.measured, width: '5.5rem', figure: true, wide: true, cell: (intent) => (intent.status?.latency_us_measured === undefined ? '–' : latency(intent.status.latency_us_measured)) },
    { id: 'cost', title: t.column.cost, width: '6.5rem', figure: true, wide: true, cell: (intent) => creditsShort(intent.status?.billed_per_hour_nanocredits) },
    { id: 'why', title: t.column.why, width: '3fr', wide: true, cell: (intent) => <Name text={intent.status?.why} /> },
  ];
  return (
    <>
      <FilterBar text={query.filter ?? ''} onText={(filter) => change({ filter })} states={INTENT_STATES} state={query.state ?? ''} onState={(state) => change({ state })} shown={shown.length} total={rows.length} />
      <VirtualTable label={t.work.intents} columns={columns} rows={shown} rowKey={ownedKey} empty={rows.length === 0 ? t.work.none : t.list.nothing} />
    </>
  );
}

export function JobList() {
  const t = useText();
  const { rows, shown, query, change } = useFiltered('jobs', isJob);
  const columns: Column<Intent>[] = [
    ...useNameColumns(),
    { id: 'queue', title: t.column.queue, width: '6rem', wide: true, cell: (intent) => <Name text={String(intent.spec?.schedule?.queue ?? 'domain')} /> },
    { id: 'started', title: t.column.started, width: '11rem', wide: true, cell: (intent) => <Time at={intent.status?.started ?? intent.status?.waiting?.estimated_start} /> },
    { id: 'instances', title: t.column.instances, width: '5rem', figure: true, cell: (intent) => `${intent.status?.instances_running ?? 0}/${intent.status?.instances ?? 0}` },
    { id: 'cost', title: t.column.cost, width: '6.5rem', figure: true, wide: true, cell: (intent) => creditsShort(intent.status?.billed_per_hour_nanocredits) },
    { id: 'why', title: t.column.why, width: '3fr', wide: true, cell: (intent) => <Name text={intent.status?.why} /> },
  ];
  return (
    <>
      <FilterBar text={query.filter ?? ''} onText={(filter) => change({ filter })} states={JOB_STATES} state={query.state ?? ''} onState={(state) => change({ state })} shown={shown.length} total={rows.length} />
      <VirtualTable label={t.work.jobs} columns={columns} rows={shown} rowKey={ownedKey} empty={rows.length === 0 ? t.work.noJobs : t.list.nothing} />
    </>
  );
}

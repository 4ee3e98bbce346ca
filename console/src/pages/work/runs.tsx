import { useEffect, useMemo, useState } from 'react';
import { asProblem, type Problem } from '../../api/problem';
import type { Run } from '../../api/types';
import { Name, plainState, ProblemBox, StateChip, Time } from '../../components/basics';
import { FilterBar } from '../../components/filter_bar';
import { VirtualTable, type Column } from '../../components/virtual_table';
import { creditsShort } from '../../format/money';
import { duration, energy } from '../../format/units';
import { replaceQuery, routeText, useRoute } from '../../router';
import { runKey } from '../../state/domain';
import { useText } from '../../state/preferences';
import { useLive, useRows } from '../../state/session';
import { intentHref } from './intent_list';

const STATES = ['planned', 'starting', 'running', 'stopping', 'exited', 'failed', 'lost'];

export function RunList() {
  const t = useText();
  const live = useLive();
  const { query } = useRoute();
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    live.renew('run').catch((error: unknown) => setProblem(asProblem(error)));
  }, [live]);
  const rows = useRows(live.domain.runs);
  const text = (query.filter ?? '').toLowerCase();
  const shown = useMemo(
    () => rows.filter((run) => (text === '' || `${runKey(run)} ${run.tenant}/${run.intent} ${run.site}`.toLowerCase().includes(text)) && (!query.state || plainState(run.state) === query.state)),
    [rows, text, query.state],
  );
  const columns: Column<Run>[] = [
    { id: 'run', title: t.column.run, width: '6rem', cell: (run) => <a href={routeText(['work', 'run', runKey(run)])}>{runKey(run)}</a> },
    { id: 'intent', title: t.column.intent, width: '2fr', cell: (run) => <a href={intentHref(run.tenant, run.intent)}><Name text={`${run.tenant ?? ''}/${run.intent ?? ''}`} /></a> },
    { id: 'site', title: t.column.site, width: '1.2fr', wide: true, cell: (run) => <a href={routeText(['map'], { site: run.site })}><Name text={run.site} /></a> },
    { id: 'state', title: t.column.state, width: '6.5rem', cell: (run) => <StateChip state={run.state} /> },
    { id: 'started', title: t.column.started, width: '11rem', wide: true, cell: (run) => <Time at={run.started} /> },
    { id: 'cpu', title: t.column.cpu, width: '6rem', figure: true, wide: true, cell: (run) => duration(run.cpu_us) },
    { id: 'energy', title: t.column.energy, width: '6rem', figure: true, wide: true, cell: (run) => energy(run.energy_microjoule) },
    { id: 'cost', title: t.column.cost, width: '6rem', figure: true, wide: true, cell: (run) => creditsShort(run.billed_per_hour_nanocredits) },
  ];
  const change = (next: Record<string, string>) => replaceQuery(['work', 'runs'], { ...query, ...next });
  return (
    <>
      {problem && <ProblemBox problem={problem} onRetry={() => void live.demand('run').then(() => setProblem(undefined), () => undefined)} />}
      <FilterBar text={query.filter ?? ''} onText={(filter) => change({ filter })} states={STATES} state={query.state ?? ''} onState={(state) => change({ state })} shown={shown.length} total={rows.length} />
      <VirtualTable label={t.work.runs} columns={columns} rows={shown} rowKey={runKey} empty={rows.length === 0 ? t.work.noRuns : t.list.nothing} />
    </>
  );
}

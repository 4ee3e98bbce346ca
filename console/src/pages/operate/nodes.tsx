import { useEffect, useMemo, useState } from 'react';
import { asProblem, type Problem } from '../../api/problem';
import type { Node } from '../../api/types';
import { Name, ProblemBox, StateChip } from '../../components/basics';
import { ConsentDialog } from '../../components/dialog';
import { FilterBar } from '../../components/filter_bar';
import { VirtualTable, type Column } from '../../components/virtual_table';
import { clip, cores, memory } from '../../format/units';
import { replaceQuery, routeText, useRoute } from '../../router';
import { useText } from '../../state/preferences';
import { mayDrain, useLive, useRows } from '../../state/session';

export function NodeView() {
  const t = useText();
  const live = useLive();
  const { query } = useRoute();
  const rows = useRows(live.domain.nodes);
  const [problem, setProblem] = useState<Problem>();
  const [asked, setAsked] = useState<{ node: Node; cordon: boolean }>();
  useEffect(() => {
    live.demand('node').catch((error: unknown) => setProblem(asProblem(error)));
  }, [live]);
  const text = (query.filter ?? '').toLowerCase();
  const shown = useMemo(
    () => rows.filter((node) => (text === '' || `${node.site}/${node.spec?.name}`.toLowerCase().includes(text)) && (!query.state || (query.state === 'cordoned') === (node.cordoned ?? false))),
    [rows, text, query.state],
  );
  const columns: Column<Node>[] = [
    { id: 'node', title: t.column.node, width: '1.4fr', cell: (node) => <Name text={node.spec?.name} /> },
    { id: 'site', title: t.column.site, width: '1.4fr', cell: (node) => <a href={routeText(['map'], { site: node.site })}><Name text={node.site} /></a> },
    { id: 'state', title: t.column.state, width: '6rem', cell: (node) => node.cordoned && <StateChip state="cordoned" /> },
    { id: 'cores', title: t.column.cores, width: '7rem', figure: true, wide: true, cell: (node) => `${cores(node.cpu_milli_free)}/${cores(node.spec?.cpuMilli)}` },
    { id: 'memory', title: t.column.memory, width: '10rem', figure: true, wide: true, cell: (node) => `${memory(node.memory_mib_free)}/${memory(node.spec?.memoryMib)}` },
    { id: 'accelerators', title: t.column.accelerators, width: '8rem', figure: true, wide: true, cell: (node) => (node.spec?.accelerators ? `${node.accelerators_free ?? 0}/${node.spec.accelerators} ${node.spec.acceleratorModel ?? ''}` : '–') },
    { id: 'speed', title: t.column.speed, width: '5rem', figure: true, wide: true, cell: (node) => cores(node.spec?.speedMilli) },
    ...(mayDrain(live.me) ? [{ id: 'action', title: t.column.action, width: '7rem', cell: (node: Node) => <button type="button" onClick={() => setAsked({ node, cordon: !node.cordoned })}>{node.cordoned ? t.operate.uncordon : t.operate.cordon}</button> }] : []),
  ];
  const change = (next: Record<string, string>) => replaceQuery(['operate', 'nodes'], { ...query, ...next });
  const name = clip(asked?.node.spec?.name ?? '', 80);
  const id = asked?.node.id ?? 0;
  return (
    <>
      {problem && <ProblemBox problem={problem} onRetry={() => void live.demand('node').then(() => setProblem(undefined), () => undefined)} />}
      <FilterBar text={query.filter ?? ''} onText={(filter) => change({ filter })} states={['cordoned']} state={query.state ?? ''} onState={(state) => change({ state })} shown={shown.length} total={rows.length} />
      <VirtualTable label={t.operate.nodes} columns={columns} rows={shown} rowKey={(node) => String(node.id ?? 0)} empty={rows.length === 0 ? t.operate.noNodes : t.list.nothing} />
      {asked?.cordon === true && (
        <ConsentDialog title={t.operate.cordonTitle(name)} action={t.operate.cordon} danger reason={t.operate.reason} act={async (why) => { await live.client.cordon(id, why); }} onClose={() => setAsked(undefined)}>
          <p>{t.operate.cordonText}</p>
        </ConsentDialog>
      )}
      {asked?.cordon === false && (
        <ConsentDialog title={t.operate.uncordonTitle(name)} action={t.operate.uncordon} act={async () => { await live.client.uncordon(id); }} onClose={() => setAsked(undefined)}>
          <p>{t.operate.uncordonText}</p>
        </ConsentDialog>
      )}
    </>
  );
}

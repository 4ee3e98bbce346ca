import { useMemo, useState } from 'react';
import type { Site } from '../../api/types';
import { Name, StateChip } from '../../components/basics';
import { ConsentDialog } from '../../components/dialog';
import { FilterBar } from '../../components/filter_bar';
import { VirtualTable, type Column } from '../../components/virtual_table';
import { clip, cores, memory } from '../../format/units';
import { replaceQuery, routeText, useRoute } from '../../router';
import { useText } from '../../state/preferences';
import { mayDrain, useLive, useRows } from '../../state/session';

const STATES = ['up', 'draining', 'down', 'unknown'];

export function SiteView() {
  const t = useText();
  const { client, domain, me } = useLive();
  const { query } = useRoute();
  const rows = useRows(domain.sites);
  const [asked, setAsked] = useState<{ site: string; drain: boolean; runs: number }>();
  const text = (query.filter ?? '').toLowerCase();
  const shown = useMemo(
    () => rows.filter((site) => (text === '' || site.metadata.name.toLowerCase().includes(text)) && (!query.state || (site.status?.state ?? 'unknown') === query.state)),
    [rows, text, query.state],
  );
  const columns: Column<Site>[] = [
    { id: 'name', title: t.column.name, width: '2fr', cell: (site) => <a href={routeText(['map'], { site: site.metadata.name })}><Name text={site.metadata.name} /></a> },
    { id: 'state', title: t.column.state, width: '6rem', cell: (site) => <StateChip state={site.status?.state ?? 'unknown'} /> },
    { id: 'why', title: t.column.why, width: '2fr', wide: true, cell: (site) => <Name text={site.status?.why} /> },
    { id: 'agent', title: t.column.agent, width: '6rem', wide: true, cell: (site) => <Name text={site.status?.agent_version ?? t.operate.agentNone} /> },
    { id: 'driver', title: t.column.driver, width: '5rem', wide: true, cell: (site) => <Name text={site.status?.driver} /> },
    { id: 'cores', title: t.column.cores, width: '6.5rem', figure: true, wide: true, cell: (site) => (site.status?.restricted ? '–' : `${cores(site.status?.cpu_milli_free)}/${cores(site.status?.cpu_milli_total)}`) },
    { id: 'memory', title: t.column.memory, width: '9rem', figure: true, wide: true, cell: (site) => (site.status?.restricted ? '–' : `${memory(site.status?.memory_mib_free)}/${memory(site.status?.memory_mib_total)}`) },
    { id: 'runs', title: t.column.runs, width: '4rem', figure: true, wide: true, cell: (site) => String(site.status?.runs ?? 0) },
    ...(mayDrain(me) ? [{
      id: 'action', title: t.column.action, width: '6.5rem',
      cell: (site: Site) => {
        const drain = site.status?.state !== 'draining';
        return <button type="button" onClick={() => setAsked({ site: site.metadata.name, drain, runs: site.status?.runs ?? 0 })}>{drain ? t.operate.drain : t.operate.undrain}</button>;
      },
    }] : []),
  ];
  const change = (next: Record<string, string>) => replaceQuery(['operate', 'sites'], { ...query, ...next });
  return (
    <>
      <FilterBar text={query.filter ?? ''} onText={(filter) => change({ filter })} states={STATES} state={query.state ?? ''} onState={(state) => change({ state })} shown={shown.length} total={rows.length} />
      <VirtualTable label={t.operate.sites} columns={columns} rows={shown} rowKey={(site) => site.metadata.name} empty={rows.length === 0 ? t.operate.noSites : t.list.nothing} />
      {asked?.drain === true && (
        <ConsentDialog title={t.operate.drainTitle(clip(asked.site, 80))} action={t.operate.drain} danger reason={t.operate.reason} act={async (why) => { await client.drain(asked.site, why); }} onClose={() => setAsked(undefined)}>
          <p>{t.operate.drainText(asked.runs)}</p>
        </ConsentDialog>
      )}
      {asked?.drain === false && (
        <ConsentDialog title={t.operate.undrainTitle(clip(asked.site, 80))} action={t.operate.undrain} act={async () => { await client.undrain(asked.site); }} onClose={() => setAsked(undefined)}>
          <p>{t.operate.undrainText}</p>
        </ConsentDialog>
      )}
    </>
  );
}

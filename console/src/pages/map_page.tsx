import { useMemo } from 'react';
import { Name, StateChip, Meter, Tabs, Empty } from '../components/basics';
import { FilterBar } from '../components/filter_bar';
import { VirtualTable, type Column } from '../components/virtual_table';
import type { Link, Site } from '../api/types';
import { bandwidth, cores } from '../format/units';
import { IntentSummary, LinkDetails, SiteDetails } from '../map/details';
import { MapView, type Selection } from '../map/map_view';
import { loadOf } from '../map/topology';
import { go, replaceQuery, routeText, useRoute } from '../router';
import { useText } from '../state/preferences';
import { linkState } from '../state/reducer';
import { useLive, useRows } from '../state/session';

const SITE_STATES = ['up', 'draining', 'down', 'unknown'];
const LINK_STATES = ['up', 'half', 'down'];

export default function MapPage() {
  const t = useText();
  const { query } = useRoute();
  const { domain } = useLive();
  const sites = useRows(domain.sites);
  const links = useRows(domain.links);
  const selection: Selection = { site: query.site, link: query.link, intent: query.intent };
  const up = useMemo(() => sites.filter((site) => site.status?.state === 'up').length, [sites]);
  const linksUp = useMemo(() => links.filter((link) => linkState(link) === 'up').length, [links]);
  const chosen = query.site ?? query.link ?? query.intent;
  return (
    <div className="map-page">
      <h1 className="visually-hidden">{t.map.title}</h1>
      <div className="map-stage">
        <MapView selection={selection} onSelect={(next) => go(['map'], { ...next, list: query.list })} />
        <p className="map-summary" role="status">{t.map.summary(up, sites.length, links.length, linksUp)}</p>
        {sites.length === 0 && <div className="map-empty"><Empty>{t.map.empty}</Empty></div>}
        <Legend />
      </div>
      <aside className="map-side" aria-label={chosen === undefined ? t.map.list : t.action.details}>
        {chosen === undefined ? <SideList sites={sites} links={links} query={query} /> : (
          <>
            <p className="back"><a href={routeText(['map'], { list: query.list })}>← {t.map.toList}</a></p>
            <div className="side-scroll">
              {query.site !== undefined && <SiteDetails key={query.site} name={query.site} />}
              {query.link !== undefined && <LinkDetails key={query.link} name={query.link} />}
              {query.intent !== undefined && <IntentSummary key={query.intent} id={query.intent} />}
            </div>
          </>
        )}
      </aside>
    </div>
  );
}

function SideList({ sites, links, query }: { sites: readonly Site[]; links: readonly Link[]; query: Record<string, string> }) {
  const t = useText();
  const showLinks = query.list === 'links';
  const text = (query.filter ?? '').toLowerCase();
  const change = (next: Record<string, string>) => replaceQuery(['map'], { ...query, ...next });
  const shownSites = useMemo(
    () => sites.filter((site) => (text === '' || site.metadata.name.toLowerCase().includes(text)) && (!query.state || site.status?.state === query.state)),
    [sites, text, query.state],
  );
  const shownLinks = useMemo(
    () => links.filter((link) => (text === '' || link.metadata.name.toLowerCase().includes(text)) && (!query.state || linkState(link) === query.state)),
    [links, text, query.state],
  );
  const siteColumns: Column<Site>[] = [
    { id: 'name', title: t.column.name, width: '2fr', cell: (site) => <a href={routeText(['map'], { site: site.metadata.name })}><Name text={site.metadata.name} /></a> },
    { id: 'state', title: t.column.state, width: '6rem', cell: (site) => <StateChip state={site.status?.state ?? 'unknown'} /> },
    { id: 'cores', title: t.column.cores, width: '5.5rem', figure: true, cell: (site) => (site.status?.restricted ? '–' : `${cores(site.status?.cpu_milli_free)}/${cores(site.status?.cpu_milli_total)}`) },
  ];
  const linkColumns: Column<Link>[] = [
    { id: 'name', title: t.column.name, width: '2fr', cell: (link) => <a href={routeText(['map'], { link: link.metadata.name })}><Name text={link.metadata.name} /></a> },
    { id: 'state', title: t.column.state, width: '6rem', cell: (link) => <StateChip state={linkState(link)} /> },
    { id: 'load', title: t.column.load, width: '5.5rem', figure: true, cell: (link) => <Meter value={loadOf(link)} label={`${Math.round(loadOf(link) * 100)} % · ${bandwidth(link.status?.bandwidth_bps)}`} /> },
  ];
  return (
    <>
      <Tabs label={t.map.list} current={showLinks ? 'links' : 'sites'} tabs={[
        { id: 'sites', text: t.map.sites, href: routeText(['map'], { list: 'sites' }), count: sites.length },
        { id: 'links', text: t.map.links, href: routeText(['map'], { list: 'links' }), count: links.length },
      ]} />
      <FilterBar text={query.filter ?? ''} onText={(filter) => change({ filter })} states={showLinks ? LINK_STATES : SITE_STATES} state={query.state ?? ''}
        onState={(state) => change({ state })} shown={showLinks ? shownLinks.length : shownSites.length} total={showLinks ? links.length : sites.length} />
      {showLinks
        ? <VirtualTable label={t.map.links} columns={linkColumns} rows={shownLinks} rowKey={(link) => link.metadata.name} empty={t.list.nothing} />
        : <VirtualTable label={t.map.sites} columns={siteColumns} rows={shownSites} rowKey={(site) => site.metadata.name} empty={t.list.nothing} />}
    </>
  );
}

function Legend() {
  const t = useText();
  const entries: [string, string][] = [
    ['dot up', t.map.legendUp], ['dot down', t.map.legendDown], ['dot draining', t.map.legendDraining], ['dot unknown', t.map.legendUnknown], ['dot router', t.map.legendRouter],
    ['line low', t.map.legendLow], ['line middle', t.map.legendMiddle], ['line high', t.map.legendHigh], ['line flow', t.map.legendFlow],
  ];
  return (
    <details className="legend">
      <summary>{t.map.legend}</summary>
      <ul>{entries.map(([look, text]) => <li key={look}><span className={`key key-${look.replace(' ', ' key-')}`} aria-hidden="true" />{text}</li>)}</ul>
    </details>
  );
}

import { useMemo } from 'react';
import { Tabs } from '../../components/basics';
import { routeText, useRoute } from '../../router';
import { useText } from '../../state/preferences';
import { useLive, useRows } from '../../state/session';
import { AlarmView } from './alarm_view';
import { alarmsOf } from './alarms';
import { NodeView } from './nodes';
import { SiteView } from './sites';

const VIEWS = ['alarms', 'sites', 'nodes'] as const;

export default function OperatePage() {
  const t = useText();
  const { parts } = useRoute();
  const { domain } = useLive();
  const sites = useRows(domain.sites);
  const links = useRows(domain.links);
  const intents = useRows(domain.intents);
  const workflows = useRows(domain.workflows);
  const alarms = useMemo(() => alarmsOf(sites, links, intents, workflows), [sites, links, intents, workflows]);
  const current = VIEWS.find((view) => view === parts[1]) ?? 'alarms';
  const count = alarms.reduce((sum, group) => sum + group.alarms.length, 0);
  return (
    <>
      <div className="page-head"><h1>{t.nav.operate}</h1></div>
      <Tabs label={t.operate.tabs} current={current} tabs={VIEWS.map((view) => ({ id: view, text: t.operate[view], href: routeText(['operate', view]), ...(view === 'alarms' ? { count } : {}) }))} />
      {current === 'alarms' && <AlarmView groups={alarms} />}
      {current === 'sites' && <SiteView />}
      {current === 'nodes' && <NodeView />}
    </>
  );
}

import { Card, Empty, Facts, Meter, Name, StateChip } from '../components/basics';
import { LINK_EVENTS, RecentEvents, SITE_EVENTS, INTENT_EVENTS } from '../components/history';
import { credits } from '../format/money';
import { bandwidth, cores, duration, latency, memory } from '../format/units';
import { useText } from '../state/preferences';
import { useLive, useRow, useRows } from '../state/session';
import { routeText } from '../router';
import type { LinkDirection } from '../api/types';
import { linkState, splitSubject } from '../state/reducer';
import { intentKey } from '../state/domain';

const intentHref = (tenant: string, name: string): string => routeText(['work', 'intent', tenant, name]);

export function SiteDetails({ name }: { name: string }) {
  const t = useText();
  const { domain } = useLive();
  const site = useRow(domain.sites, name);
  const links = useRows(domain.links).filter((link) => link.spec?.between?.includes(name));
  const plans = useRows(domain.plans).filter((plan) => plan.placements?.some((placement) => placement.site === name));
  if (site === undefined) return <Empty>{t.map.gone}</Empty>;
  const { spec, status } = site;
  const used = Number(status?.cpu_milli_total ?? '0') - Number(status?.cpu_milli_free ?? '0');
  const total = Number(status?.cpu_milli_total ?? '0');
  return (
    <>
      <Card title={name} actions={<StateChip state={status?.state} />}>
        <Facts rows={[
          [t.map.why, status?.why],
          [t.column.tier, [spec?.tier, spec?.region].filter(Boolean).join(' · ')],
          !status?.restricted && [t.column.cores, <>{cores(status?.cpu_milli_free)} / {cores(status?.cpu_milli_total)} <Meter value={total > 0 ? used / total : 0} label={`${cores(used)} / ${cores(total)}`} /></>],
          !status?.restricted && [t.column.memory, `${memory(status?.memory_mib_free)} / ${memory(status?.memory_mib_total)}`],
          status?.accelerators_total !== undefined && [t.column.accelerators, `${status.accelerators_free ?? 0} / ${status.accelerators_total}`],
          status?.restricted && [t.map.capacity, t.map.restricted],
          [t.map.asks, spec?.asks?.core_hour === undefined ? '' : `${spec.asks.core_hour} / core-h · ${spec.asks.gib_hour ?? '0'} / GiB-h`],
          [t.map.grid, spec?.power?.carbon],
          [t.map.paths, [status?.paths, status?.paths_why].filter(Boolean).join(': ')],
          [t.map.agent, status?.agent_version === undefined ? t.operate.agentNone : `${status.agent_version} · ${status.driver ?? ''}`],
          [t.map.heard, status?.heard_us_ago === undefined ? '' : t.map.ago(duration(status.heard_us_ago))],
        ]} />
        <p className="links-line"><a href={routeText(['operate', 'sites'], { filter: name })}>{t.nav.operate}</a></p>
      </Card>
      <Card title={t.map.work}>
        {plans.length === 0 ? <Empty>{t.map.noWork}</Empty> : (
          <ul className="plain">
            {plans.slice(0, 100).map((plan) => (
              <li key={plan.position}>
                <a href={intentHref(plan.tenant ?? '', plan.intent ?? '')}><Name text={intentKey(plan.tenant, plan.intent)} /></a>
                <span className="muted">× {plan.placements?.filter((placement) => placement.site === name).length}</span>
              </li>
            ))}
          </ul>
        )}
      </Card>
      <Card title={t.map.attached}>
        <ul className="plain">
          {links.slice(0, 200).map((link) => (
            <li key={link.metadata.name}>
              <a href={routeText(['map'], { link: link.metadata.name })}><Name text={link.metadata.name} /></a>
              <StateChip state={linkState(link)} />
            </li>
          ))}
        </ul>
      </Card>
      <RecentEvents id={`site/${name}`} names={SITE_EVENTS} of={(event) => event.subject === `site/${name}`} />
    </>
  );
}

function Direction({ from, to, way, capacity }: { from: string; to: string; way: LinkDirection | undefined; capacity: string | undefined }) {
  const t = useText();
  if (way === undefined) return null;
  const share = Number(capacity ?? '0') > 0 ? Number(way.bandwidth_bps_reserved ?? '0') / Number(capacity) : 0;
  return (
    <Facts rows={[
      [t.map.direction(from, to), <StateChip state={way.up ? 'up' : 'down'} />],
      [t.map.why, way.why],
      [t.column.load, <>{t.map.reserved(bandwidth(way.bandwidth_bps_reserved), bandwidth(capacity))} <Meter value={share} label={`${Math.round(share * 100)} %`} /></>],
      [t.column.latency, `${latency(way.latency_us)} (${way.measured ? t.map.measured : t.map.described})`],
    ]} />
  );
}

export function LinkDetails({ name }: { name: string }) {
  const t = useText();
  const { domain } = useLive();
  const link = useRow(domain.links, name);
  const plans = useRows(domain.plans).filter((plan) => plan.flows?.some((flow) => ((flow.on_protection ? flow.protection : flow.path) ?? []).includes(name)));
  if (link === undefined) return <Empty>{t.map.gone}</Empty>;
  const [a = '', b = ''] = link.spec?.between ?? [];
  return (
    <>
      <Card title={name} actions={<StateChip state={linkState(link)} />}>
        <Facts rows={[
          [t.column.ends, `${a} · ${b}`],
          [t.column.rate, bandwidth(link.status?.bandwidth_bps)],
          [t.column.price, link.spec?.price === undefined ? '' : `${link.spec.price} / Gbps-h`],
          [t.map.paths, link.status?.paths_why],
        ]} />
        <Direction from={a} to={b} way={link.status?.forward} capacity={link.status?.bandwidth_bps} />
        <Direction from={b} to={a} way={link.status?.backward} capacity={link.status?.bandwidth_bps} />
      </Card>
      <Card title={t.map.traffic}>
        {plans.length === 0 ? <Empty>{t.map.noTraffic}</Empty> : (
          <ul className="plain">
            {plans.slice(0, 100).map((plan) => (
              <li key={plan.position}><a href={intentHref(plan.tenant ?? '', plan.intent ?? '')}><Name text={intentKey(plan.tenant, plan.intent)} /></a></li>
            ))}
          </ul>
        )}
      </Card>
      <RecentEvents id={`link/${name}`} names={LINK_EVENTS} of={(event) => event.subject === `link/${name}`} />
    </>
  );
}

export function IntentSummary({ id }: { id: string }) {
  const t = useText();
  const { domain } = useLive();
  const intent = useRow(domain.intents, id);
  const { tenant, name } = splitSubject(`intent/${id}`);
  const plan = useRow(domain.plans, intent?.status?.plan ?? '');
  if (intent === undefined) return <Empty>{t.map.gone}</Empty>;
  return (
    <>
      <Card title={id} actions={<StateChip state={intent.status?.state} />}>
        <Facts rows={[
          [t.map.why, intent.status?.why ?? plan?.reason],
          [t.work.instances, t.work.ofInstances(intent.status?.instances_running ?? 0, intent.status?.instances ?? 0)],
          [t.work.predicted, intent.status?.latency_us_predicted === undefined ? '' : latency(intent.status.latency_us_predicted)],
          [t.work.measuredNow, intent.status?.latency_us_measured === undefined ? '' : latency(intent.status.latency_us_measured)],
          [t.work.billed, t.work.perHour(credits(intent.status?.billed_per_hour_nanocredits))],
        ]} />
        <p className="links-line"><a href={intentHref(tenant, name)}>{t.action.details}</a></p>
      </Card>
      <RecentEvents id={`intent/${id}`} tenant={tenant} names={INTENT_EVENTS} of={ofIntent(id, intent.status?.plan)} />
    </>
  );
}

// Events of an intent name it; those of its runs name their plan.
export function ofIntent(id: string, plan: string | undefined): (event: { subject?: string }) => boolean {
  return (event) => event.subject === `intent/${id}` || (plan !== undefined && (event.subject ?? '').startsWith(`run/${plan}.`));
}

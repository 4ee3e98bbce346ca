import { useMemo } from 'react';
import type { Explanation, Plan } from '../../api/types';
import { Card, Name, StateChip } from '../../components/basics';
import { credits } from '../../format/money';
import { carbon, clip, latency, power } from '../../format/units';
import { MapView } from '../../map/map_view';
import { routeText } from '../../router';
import { useText } from '../../state/preferences';
import { margin } from './margin';

const NO_SELECTION = {};

// Why this plan: what was chosen, what would do and lost by how much, what would not do, and how sure that is.
export function ExplanationCard({ explanation }: { explanation: Explanation }) {
  const t = useText();
  const { plan, reasons, text } = explanation;
  return (
    <Card title={t.work.explanation}>
      {plan !== undefined && <PlanExplained plan={plan} />}
      {plan === undefined && reasons !== undefined && (
        <>
          <h3>{t.work.refusedBecause}</h3>
          <ul className="reasons">{reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul>
        </>
      )}
      {text !== undefined && (
        <details open={plan === undefined && reasons === undefined}>
          <summary>{t.work.whole}</summary>
          <pre className="whole" tabIndex={0}>{text}</pre>
        </details>
      )}
    </Card>
  );
}

function PlanExplained({ plan }: { plan: Plan }) {
  const t = useText();
  const rows = (plan.alternatives ?? []).map((alternative, i) => ({ alternative, value: plan.value?.alternatives?.[i] }));
  const feasible = rows.filter((row) => row.alternative.feasible);
  const infeasible = rows.filter((row) => !row.alternative.feasible);
  const runner = feasible.find((row) => (row.alternative.hops?.length ?? 0) > 1)?.alternative ?? rows.find((row) => (row.alternative.hops?.length ?? 0) > 1)?.alternative;
  const flow = plan.flows?.find((each) => runner?.ingress === undefined || each.ingress === runner.ingress);
  const ways = useMemo(() => {
    const out = [];
    if (flow?.hops !== undefined) out.push({ hops: flow.hops, dashed: false });
    if (runner?.hops !== undefined) out.push({ hops: runner.hops, dashed: true });
    return out;
  }, [flow, runner]);
  const sites = [...new Set((plan.placements ?? []).map((placement) => placement.site ?? ''))];
  const value = plan.value;
  return (
    <>
      <h3>{t.work.chosen}</h3>
      <div className="cards">
        <article className="option option-chosen">
          <header><strong>{sites.map((site) => <a key={site} href={routeText(['map'], { site })}><Name text={site} /> </a>)}</strong><StateChip state={plan.state} /></header>
          <p>{plan.reason}</p>
          <p>{t.work.perHour(credits(value?.billedPerHour))} · {power(value?.powerMw)} · {carbon(value?.carbonMgPerHour)} CO₂/h</p>
          <p className="muted">{t.work.sure[value?.quality ?? ''] ?? ''} {value?.quality !== 'QUALITY_EXACT' && value?.bound !== undefined && t.work.bound(credits(value.bound), credits(value.decisionPrice))}</p>
        </article>
        {(plan.flows ?? []).slice(0, 12).map((each, i) => {
          const figures = value?.flows?.[i];
          return (
            <article className="option" key={`${each.ingress}${each.site}${i}`}>
              <header><strong>{t.work.pathTo(clip(each.ingress ?? '', 40), clip(each.site ?? '', 40))}</strong>{figures?.latencyUsPredicted !== undefined && <span>{latency(figures.latencyUsPredicted)}</span>}</header>
              <p>{(each.hops ?? []).map((hop) => clip(hop, 40)).join(' → ')}</p>
              {figures !== undefined && <p className="muted">{figures.streams !== undefined && `${t.work.streamsOf(figures.streams)} · `}{t.work.breakdown(latency(figures.latencyUsPath), latency(figures.latencyUsSerialisation), latency(figures.latencyUsWork), latency(figures.latencyUsQueueing))}</p>}
              {each.on_protection && <p><StateChip state="half" /> {t.work.onProtection}</p>}
            </article>
          );
        })}
      </div>
      {feasible.length > 0 && (
        <>
          <h3>{t.work.runnersUp}</h3>
          <div className="cards">
            {feasible.slice(0, 12).map(({ alternative, value: figures }, i) => {
              const more = margin(plan, figures);
              return (
                <article className="option" key={`${alternative.site}${i}`}>
                  <header><strong><Name text={alternative.site} /></strong>{figures?.latencyUsPredicted !== undefined && <span>{latency(figures.latencyUsPredicted)}</span>}</header>
                  {more && <p><strong>{t.work.margin(more.percent, more.bill)}</strong></p>}
                  <p className="muted">{alternative.reason}</p>
                </article>
              );
            })}
          </div>
        </>
      )}
      {ways.length > 0 && (
        <figure className="figure-map">
          <MapView framed flows={false} selection={NO_SELECTION} ways={ways} />
          <figcaption className="muted">{runner?.site === undefined ? t.work.chosen : t.work.runnerMap(clip(runner.site, 60))}</figcaption>
        </figure>
      )}
      {infeasible.length > 0 && (
        <>
          <h3>{t.work.infeasible}</h3>
          <ul className="reasons">{infeasible.slice(0, 100).map(({ alternative }, i) => <li key={`${alternative.site}${i}`}>{alternative.reason}</li>)}</ul>
        </>
      )}
    </>
  );
}

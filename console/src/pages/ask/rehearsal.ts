import type { Rehearsal } from '../../api/ask';
import { duration } from '../../format/units';
import type { Dictionary } from '../../i18n/dictionary';

const AT_ONCE_US = 1_000_000;

// What becomes of a strategy in the next hours, in a sentence.
export function rehearsed(r: Rehearsal, t: Dictionary): string {
  const say = t.ask.rehearsal;
  if (r.problem !== undefined) return t.labelled(say.not, r.problem);
  const number = (value: string | number | undefined): number => Number(value ?? 0);
  const seconds = (us: string | number | undefined): string => duration(Math.round(number(us) / 1e6) * 1e6);
  const parts: string[] = [];
  if (r.starts !== true) parts.push(say.never);
  else parts.push(number(r.startsAfterUs) < AT_ONCE_US ? say.atOnce : say.starts(seconds(r.startsAfterUs)));
  if (r.ends === true) parts.push(say.ends(seconds(r.endsAfterUs)));
  if (number(r.preemptions) > 0) parts.push(say.givesWay(number(r.preemptions)));
  if (number(r.moves) > 0) parts.push(say.moves(number(r.moves)));
  if (number(r.shortUs) >= AT_ONCE_US) parts.push(say.short(seconds(r.shortUs)));
  if (number(r.othersLater) > 0) parts.push(say.later(number(r.othersLater), seconds(r.othersLaterUs)));
  if (number(r.othersPreempted) > 0) parts.push(say.preempted(number(r.othersPreempted)));
  if (r.lostSite !== undefined) parts.push(r.repaired === true ? say.repaired(r.lostSite, seconds(r.repairedAfterUs)) : say.lost(r.lostSite));
  const over = say.over(seconds(r.reachedUs)) + (r.forecast === 'none' || r.forecast === undefined ? '' : say.expected(number(r.arrivals)));
  return t.labelled(over, parts.join(t.between));
}

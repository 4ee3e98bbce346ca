import type { AlternativeValue, Plan } from '../../api/types';
import { credits, nanocredits } from '../../format/money';

// How much more the decision would weigh, in parts per million; exact in whole numbers.
export function margin(plan: Plan, alternative: AlternativeValue | undefined): { percent: string; bill: string } | undefined {
  const price = nanocredits(plan.value?.decisionPrice);
  if (alternative?.decisionPrice === undefined || price <= 0n) return undefined;
  const tenths = ((nanocredits(alternative.decisionPrice) - price) * 1000n) / price;
  const size = tenths < 0n ? -tenths : tenths;
  return {
    percent: `${tenths < 0n ? '-' : ''}${size / 10n}.${size % 10n} %`,
    bill: credits(nanocredits(alternative.billedPerHour) - nanocredits(plan.value?.billedPerHour)),
  };
}

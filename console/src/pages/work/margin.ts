import type { AlternativeValue, Plan } from '../../api/types';
import { credits, nanocredits } from '../../format/money';

// How much more the decision would weigh, in percent, rounded as the brain's words are; exact in whole numbers.
export function margin(plan: Plan, alternative: AlternativeValue | undefined): { percent: string; bill: string } | undefined {
  const price = nanocredits(plan.value?.decisionPrice);
  if (alternative?.decisionPrice === undefined || price <= 0n) return undefined;
  const more = nanocredits(alternative.decisionPrice) - price;
  const size = ((more < 0n ? -more : more) * 1000n + price / 2n) / price;
  return {
    percent: `${more < 0n ? '-' : ''}${size / 10n}.${size % 10n} %`,
    bill: credits(nanocredits(alternative.billedPerHour) - nanocredits(plan.value?.billedPerHour)),
  };
}

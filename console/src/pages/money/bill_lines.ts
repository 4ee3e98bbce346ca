import type { Bill } from '../../api/types';
import { nanocredits } from '../../format/money';

export interface Owed {
  tenant: string;
  intent: string;
  nano: bigint;
}

export const totalOf = (bills: readonly Bill[]): bigint => bills.reduce((sum, bill) => sum + nanocredits(bill.total_nanocredits), 0n);

// What each intent owes, the most first; sums of lines, exact.
export function owedByIntent(bills: readonly Bill[]): Owed[] {
  const owed = new Map<string, Owed>();
  for (const bill of bills) {
    for (const line of bill.lines ?? []) {
      const key = `${bill.tenant ?? ''}/${line.intent ?? ''}`;
      const known = owed.get(key) ?? { tenant: bill.tenant ?? '', intent: line.intent ?? '', nano: 0n };
      known.nano += nanocredits(line.amount_nanocredits);
      owed.set(key, known);
    }
  }
  return [...owed.values()].sort((a, b) => (a.nano === b.nano ? 0 : a.nano < b.nano ? 1 : -1));
}

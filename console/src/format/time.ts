import type { Language } from '../i18n/dictionary';

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', { hourCycle: 'h23', ...options });
    formats.set(key, found);
  }
  return found;
}

// Times of the API are microseconds since the Unix epoch as text; nought and none are no time.
export function millisecondsOf(us: string | undefined): number | undefined {
  if (us === undefined || us === '0' || us === '') return undefined;
  return Number(BigInt(us) / 1000n);
}

export function microsecondsOf(ms: number): string {
  return (BigInt(Math.round(ms)) * 1000n).toString();
}

export function dateTime(us: string | undefined, language: Language, timeZone?: string): string {
  const ms = millisecondsOf(us);
  if (ms === undefined) return '';
  const zone = timeZone === undefined ? {} : { timeZone };
  return format(language, { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', ...zone }).format(ms);
}

export function clockTime(us: string | undefined, language: Language, timeZone?: string): string {
  const ms = millisecondsOf(us);
  if (ms === undefined) return '';
  const zone = timeZone === undefined ? {} : { timeZone };
  return format(language, { hour: '2-digit', minute: '2-digit', second: '2-digit', ...zone }).format(ms);
}

// To the microsecond, in UTC, as the command line writes it.
export function exactTime(us: string | undefined): string {
  const ms = millisecondsOf(us);
  if (ms === undefined || us === undefined) return '';
  const fraction = (BigInt(us) % 1_000_000n).toString().padStart(6, '0');
  return `${new Date(ms).toISOString().slice(0, 19)}.${fraction}Z`;
}

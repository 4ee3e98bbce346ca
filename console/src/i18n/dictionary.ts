import { en, type Dictionary } from './en';
import { zh } from './zh';

export type Language = 'en' | 'zh';
export type { Dictionary };
export const dictionaries: Record<Language, Dictionary> = { en, zh };

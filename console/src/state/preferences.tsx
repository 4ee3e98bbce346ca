import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { dictionaries, type Dictionary, type Language } from '../i18n/dictionary';

export type Theme = 'system' | 'light' | 'dark';

interface Preferences {
  language: Language;
  t: Dictionary;
  theme: Theme;
  dark: boolean;
  shortcuts: boolean;
  setLanguage: (language: Language) => void;
  setTheme: (theme: Theme) => void;
  setShortcuts: (on: boolean) => void;
}

const PreferencesContext = createContext<Preferences | undefined>(undefined);

export function usePreferences(): Preferences {
  const preferences = useContext(PreferencesContext);
  if (preferences === undefined) throw new Error('usePreferences is used outside its provider');
  return preferences;
}

export const useText = (): Dictionary => usePreferences().t;

function stored<T extends string>(key: string, allowed: readonly T[], otherwise: T): T {
  const found = localStorage.getItem(key);
  return allowed.find((value) => value === found) ?? otherwise;
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const listener = () => setMatches(media.matches);
    media.addEventListener('change', listener);
    return () => media.removeEventListener('change', listener);
  }, [query]);
  return matches;
}

export const useReducedMotion = (): boolean => useMedia('(prefers-reduced-motion: reduce)');

export function PreferencesProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(() =>
    stored('weir.language', ['en', 'zh'], navigator.languages.find((tag) => /^(zh|en)\b/i.test(tag))?.toLowerCase().startsWith('zh') ? 'zh' : 'en'));
  const [theme, setTheme] = useState<Theme>(() => stored('weir.theme', ['system', 'light', 'dark'], 'system'));
  const [shortcuts, setShortcuts] = useState(() => stored('weir.shortcuts', ['on', 'off'], 'on') === 'on');
  const systemDark = useMedia('(prefers-color-scheme: dark)');
  const dark = theme === 'dark' || (theme === 'system' && systemDark);

  useEffect(() => {
    localStorage.setItem('weir.language', language);
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  }, [language]);
  useEffect(() => {
    localStorage.setItem('weir.theme', theme);
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => localStorage.setItem('weir.shortcuts', shortcuts ? 'on' : 'off'), [shortcuts]);

  const value = useMemo(
    () => ({ language, t: dictionaries[language], theme, dark, shortcuts, setLanguage, setTheme, setShortcuts }),
    [language, theme, dark, shortcuts],
  );
  return <PreferencesContext value={value}>{children}</PreferencesContext>;
}

import { createRoot } from 'react-dom/client';
import { App } from './app';
import './styles/theme.css';
import './styles/shell.css';
import './styles/components.css';
import './styles/map.css';

const root = document.getElementById('root');
if (root !== null) createRoot(root).render(<App />);

import { StateDB } from '@jupyterlab/statedb';
import { describe, expect, it, vi } from 'vitest';

import { PanelLayout } from './layout';

describe('PanelLayout', () => {
  it('is the same in the next window', async () => {
    const state = new StateDB();
    const before = new PanelLayout(state);
    before.fold('runs', true);
    before.fold('models', true);
    before.fold('models', false);
    before.setShares({ datasets: 200, pipelines: 90 });
    before.setOrder('runs', '-metrics.auc');
    const after = new PanelLayout(state);
    const changed = vi.fn();
    after.changed.connect(changed);
    await after.restore();
    expect(changed).toHaveBeenCalledOnce();
    expect(after.isFolded('runs')).toBe(true);
    expect(after.isFolded('models')).toBe(false);
    expect(after.share('datasets')).toBe(200);
    expect(after.order('runs')).toBe('-metrics.auc');
    expect(after.order('datasets')).toBe('');
  });

  it('does not trust what was kept', async () => {
    const state = new StateDB();
    await state.save('mlnb:panel', {
      folded: ['nothing'],
      shares: { runs: -3, datasets: 'wide' },
      orders: { runs: 7 }
    });
    const layout = new PanelLayout(state);
    await layout.restore();
    expect(layout.share('runs')).toBeGreaterThan(0);
    expect(layout.share('datasets')).toBeGreaterThan(0);
    expect(layout.order('runs')).toBe('');
  });
});

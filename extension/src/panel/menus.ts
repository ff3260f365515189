/** The panel's menus: JupyterLab's own, of commands that anybody can bind or call. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MenuSvg } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { Menu } from '@lumino/widgets';

import type { IActions } from '../notebook';
import type { IMlnbModel, IRows, Section } from '../tokens';
import { SECTIONS } from '../tokens';
import { trans } from '../translation';
import { LISTS } from './all';
import type { PanelLayout } from './layout';
import type { IEntry, IList } from './list';
import type { Selection } from './selection';
import type { IMenus } from './side';

const ORDER = 'mlnb:order-list';
const ORDER_ARGUMENTS = {
  args: {
    type: 'object',
    required: ['section', 'order'],
    properties: {
      section: { type: 'string', enum: [...SECTIONS] },
      order: { type: 'string', description: 'As the server takes it' }
    }
  }
} as const;
const OF_A_ROW = { args: { type: 'object', properties: {} } } as const;

export interface IMenuParts {
  app: JupyterFrontEnd;
  model: IMlnbModel;
  layout: PanelLayout;
  actions: IActions;
  selections: { readonly [S in Section]: Selection };
}

export class PanelMenus implements IMenus {
  constructor(private readonly _parts: IMenuParts) {
    this._orders = new MenuSvg({ commands: _parts.app.commands });
    this._orders.title.label = trans.__('Order');
    this._orders.aboutToClose.connect(() => this._button?.focus());
    this._addOrder();
    SECTIONS.forEach(section => this._addEntries(section));
  }

  order(section: Section, button: HTMLElement): void {
    const menu = this._orders;
    const { metrics } = this._parts.model.lists[section];
    menu.clearItems();
    for (const { order, label } of LISTS[section].orders(metrics)) {
      menu.addItem({ command: ORDER, args: { section, order, label } });
    }
    this._button = button;
    const { left, bottom } = button.getBoundingClientRect();
    menu.open(left, bottom);
    const known = menu.items.findIndex(item => item.isToggled);
    menu.activeIndex = Math.max(0, known);
  }

  private _addOrder(): void {
    const { app, model, layout } = this._parts;
    app.commands.addCommand(ORDER, {
      label: args => words(args['label']) || trans.__('mlnb: Order list'),
      isToggleable: true,
      isToggled: args => {
        const { section, order } = read(args);
        if (!SECTIONS.includes(section)) {
          return false;
        }
        const [first] = LISTS[section].orders([]);
        return (model.order(section) || first?.order) === order;
      },
      describedBy: ORDER_ARGUMENTS,
      execute: args => {
        const { section, order } = read(args);
        layout.setOrder(section, order);
        model.setOrder(section, order);
      }
    });
  }

  private _addEntries<S extends Section>(section: S): void {
    const list: IList<S> = LISTS[section];
    const common: IEntry<S>[] = [
      {
        id: 'open',
        label: () => trans.__('Open'),
        perform: ({ row, actions }) => {
          const { kind, id } = list.document(row);
          actions.openDocument(kind, id);
        }
      },
      {
        id: 'copy-name',
        label: () => trans.__('Copy Name'),
        perform: ({ row, actions }) => actions.copy(list.name(row))
      }
    ];
    [...common, ...list.entries].forEach((entry, rank) =>
      this._addEntry(list, entry, rank)
    );
  }

  private _addEntry<S extends Section>(
    list: IList<S>,
    entry: IEntry<S>,
    rank: number
  ): void {
    const { app, actions } = this._parts;
    const command = `mlnb:${list.id}-${entry.id}`;
    const fits = (): boolean => {
      const chosen = this._chosen(list);
      return chosen !== null && (entry.fits?.(chosen) ?? true);
    };
    app.commands.addCommand(command, {
      label: () => {
        const chosen = this._chosen(list);
        return chosen ? entry.label(chosen) : `mlnb: ${entry.id}`;
      },
      isVisible: fits,
      isEnabled: fits,
      describedBy: OF_A_ROW,
      execute: async () => {
        const chosen = this._chosen(list);
        if (chosen) {
          await entry.perform({ ...chosen, actions });
        }
      }
    });
    app.contextMenu.addItem({
      command,
      selector: `.mlnb-Row-line[data-mlnb-list="${list.id}"]`,
      rank
    });
  }

  /** The row that the menu was opened on, and what is selected with it. */
  private _chosen<S extends Section>(
    list: IList<S>
  ): { row: IRows[S]; selected: readonly string[] } | null {
    const { app, model, selections } = this._parts;
    const node = app.contextMenuHitTest(
      found => found.dataset['mlnbList'] === list.id
    );
    const key = node?.dataset['mlnbKey'];
    const row =
      key === undefined
        ? undefined
        : model.lists[list.id].find(item => list.key(item) === key);
    if (key === undefined || row === undefined) {
      return null;
    }
    const { keys } = selections[list.id];
    return { row, selected: keys.includes(key) ? keys : [key] };
  }

  private readonly _orders: Menu;
  private _button: HTMLElement | null = null;
}

function read(args: ReadonlyPartialJSONObject): {
  section: Section;
  order: string;
} {
  const section = args['section'] as Section;
  return { section, order: words(args['order']) };
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

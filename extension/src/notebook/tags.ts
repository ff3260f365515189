/** Buttons on cells for the tags that mlnb reads. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Cell } from '@jupyterlab/cells';
import type { INotebookTracker } from '@jupyterlab/notebook';
import { LabIcon } from '@jupyterlab/ui-components';

import checkpointSvg from '../../style/icons/checkpoint.svg';
import parametersSvg from '../../style/icons/parameters.svg';
import skipSvg from '../../style/icons/skip.svg';
import { trans } from '../translation';

interface ITag {
  tag: string;
  command: string;
  icon: LabIcon;
  /** What it means, for the tooltip. */
  caption: string;
}

function tags(): ITag[] {
  return [
    {
      tag: 'parameters',
      command: 'mlnb:toggle-parameters',
      icon: new LabIcon({ name: 'mlnb:parameters', svgstr: parametersSvg }),
      caption: trans.__(
        'Parameters: headless runs replace what this cell assigns'
      )
    },
    {
      tag: 'checkpoint',
      command: 'mlnb:toggle-checkpoint',
      icon: new LabIcon({ name: 'mlnb:checkpoint', svgstr: checkpointSvg }),
      caption: trans.__(
        'Checkpoint: headless runs can be resumed after this cell'
      )
    },
    {
      tag: 'skip-ci',
      command: 'mlnb:toggle-skip-ci',
      icon: new LabIcon({ name: 'mlnb:skip', svgstr: skipSvg }),
      caption: trans.__('Skip: headless runs pass over this cell')
    }
  ];
}

/** Add a command for each tag; the buttons are in the settings schema. */
export function addTagCommands(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker
): void {
  const known = tags();
  const changed = (): void => {
    for (const { command } of known) {
      app.commands.notifyCommandChanged(command);
    }
  };
  for (const { tag, command, icon, caption } of known) {
    app.commands.addCommand(command, {
      label: trans.__('mlnb: Toggle tag “%1”', tag),
      caption,
      icon,
      isToggleable: true,
      isToggled: () => tagsOf(notebooks.activeCell).includes(tag),
      isEnabled: () => notebooks.activeCell?.model.type === 'code',
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => toggle(notebooks.activeCell, tag)
    });
  }
  let followed: Cell | null = null;
  notebooks.activeCellChanged.connect((_, cell) => {
    followed?.model.metadataChanged.disconnect(changed);
    followed = cell;
    cell?.model.metadataChanged.connect(changed);
    cell?.disposed.connect(() => {
      followed = followed === cell ? null : followed;
    });
    changed();
  });
}

function tagsOf(cell: Cell | null): string[] {
  const found: unknown = cell?.model.getMetadata('tags');
  return Array.isArray(found) ? found.map(String) : [];
}

function toggle(cell: Cell | null, tag: string): void {
  if (!cell) {
    return;
  }
  const before = tagsOf(cell);
  const after = before.includes(tag)
    ? before.filter(name => name !== tag)
    : [...before, tag];
  if (after.length) {
    cell.model.setMetadata('tags', after);
  } else {
    cell.model.deleteMetadata('tags');
  }
}

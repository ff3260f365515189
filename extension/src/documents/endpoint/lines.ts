/** The lines of the grammar that change an endpoint, once a person has said what and why. */

import type { EndpointPart, EndpointStatus, Release } from '../../records';
import { trans } from '../../translation';
import type { IField } from '../parts/ask';
import { ask, word } from '../parts/ask';

const reason = (): IField => ({
  name: 'reason',
  label: trans.__('Reason'),
  placeholder: trans.__('Kept in the history')
});

function because(text: string | undefined): string {
  return text?.trim() ? ` --reason ${word(text.trim())}` : '';
}

export function partOf(
  status: EndpointStatus,
  role: EndpointPart['role']
): EndpointPart | undefined {
  return status.parts.find(part => part.role === role);
}

/** `10%` of 0.1. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))}%`;
}

export async function shift(
  name: string,
  canary: EndpointPart
): Promise<string | null> {
  const said = await ask({
    title: trans.__('Shift traffic of %1', name),
    text: trans.__(
      'Release %1 (%2) answers %3 of the requests now.',
      canary.release,
      canary.model,
      percent(canary.share ?? 0)
    ),
    fields: [
      {
        name: 'share',
        label: trans.__('Share of the requests'),
        value: '50%',
        help: trans.__('Such as 50%; more than 0% and less than 100%.')
      },
      reason()
    ],
    accept: trans.__('Shift')
  });
  return (
    said &&
    `%endpoint shift ${word(name)} ${word((said.share ?? '').trim())}` +
      because(said.reason)
  );
}

export async function promotion(
  name: string,
  tried: EndpointPart
): Promise<string | null> {
  const said = await ask({
    title: trans.__('Promote release %1 of %2', tried.release, name),
    text: trans.__('%1 then answers every request.', tried.model),
    fields: [reason()],
    accept: trans.__('Promote')
  });
  return said && `%endpoint promote ${word(name)}${because(said.reason)}`;
}

export async function rollback(
  status: EndpointStatus,
  history: Release[]
): Promise<string | null> {
  const { name } = status;
  const tried = partOf(status, 'canary') ?? partOf(status, 'shadow');
  const before = tried
    ? trans.__('end the %1, release %2', tried.role, tried.release)
    : trans.__('the release before');
  const earlier = history.filter(
    one =>
      one.about === null &&
      one.restores === null &&
      one.number !== status.release &&
      one.number !== tried?.release
  );
  const choices = earlier.map(one => `${one.number}: ${one.model}`);
  const said = await ask({
    title: trans.__('Roll %1 back', name),
    text: trans.__('No request is refused meanwhile.'),
    fields: [
      { name: 'to', label: trans.__('To'), choices: [before, ...choices] },
      reason()
    ],
    accept: trans.__('Roll back'),
    danger: true
  });
  if (!said) {
    return null;
  }
  const at = choices.indexOf(said.to ?? '');
  const to = at < 0 ? '' : ` --to ${earlier[at]!.number}`;
  return `%endpoint rollback ${word(name)}${to}${because(said.reason)}`;
}

export async function stop(name: string): Promise<string | null> {
  const said = await ask({
    title: trans.__('Stop %1', name),
    text: trans.__(
      'Running requests finish first. Its history and its log stay, and it can be started again.'
    ),
    fields: [],
    accept: trans.__('Stop'),
    danger: true
  });
  return said && `%endpoint stop ${word(name)}`;
}

export async function deployment(
  name: string,
  model: string
): Promise<string | null> {
  const [whole, canary, shadow] = [
    trans.__('every request'),
    trans.__('a share of the requests (canary)'),
    trans.__('copies of the requests (shadow)')
  ];
  const said = await ask({
    title: trans.__('Deploy to %1', name),
    fields: [
      {
        name: 'model',
        label: trans.__('Model'),
        value: model.replace(/@.*/, '@champion'),
        help: trans.__('A registered version: name@3, name@champion.')
      },
      {
        name: 'gets',
        label: trans.__('It gets'),
        choices: [whole, canary, shadow]
      },
      {
        name: 'share',
        label: trans.__('Share of a canary'),
        value: '10%'
      },
      reason()
    ],
    accept: trans.__('Deploy')
  });
  if (!said) {
    return null;
  }
  const how =
    said.gets === canary
      ? ` --canary ${word((said.share ?? '').trim())}`
      : said.gets === shadow
        ? ' --shadow'
        : '';
  return (
    `%endpoint deploy ${word((said.model ?? '').trim())} --to ${word(name)}` +
    `${how}${because(said.reason)}`
  );
}

/** When something was, said so that it is still right when the notebook is read next year. */

const FORMAT = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'short'
});

export function moment(time: string | null): string {
  const parsed = time ? Date.parse(time) : NaN;
  return Number.isNaN(parsed) ? '' : FORMAT.format(parsed);
}

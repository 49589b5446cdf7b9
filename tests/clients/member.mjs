// What an application reads of an error: its members by name, at the dotted paths of that client. Where a client made the error
// by itself there is no answer to read, and its own text has to do.
export function member(error, reads) {
  const at = (path) => path.split('.').reduce((value, name) => value?.[name], error);
  const seen = Object.fromEntries(Object.entries(reads).map(([what, path]) => [what, at(path)]));
  return seen.status ? seen : { ...seen, text: error.message };
}

// What the pages share: the first sign-in is the primary account's, the next one is linked to it.
const kept = () => JSON.parse(sessionStorage.getItem('primary') || 'null');
const show = (id, text) => { document.getElementById(id).textContent = text; };
const claims = (token) => JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')));
const users = `https://${CONFIG.domain}/api/v2/users/`;

// The way in is chosen by a button; a redirect comes back to the same page.
async function signedIn({ accessToken, idToken }) {
  const primary = kept();
  if (!primary) {
    sessionStorage.setItem('primary', JSON.stringify({ accessToken, userId: claims(idToken).sub }));
    show('user', claims(idToken).sub);
    return;
  }
  try {
    await (window.linkBy || linkByFetch)(primary, idToken);
    show('outcome', 'linked!');
  } catch (error) {
    show('outcome', `Error linking: ${error.status} ${error.text}`);
  }
}

async function call(method, path, body) {
  const { accessToken } = kept();
  const headers = { Authorization: `Bearer ${accessToken}` };
  if (body) headers['Content-Type'] = 'application/json';
  const answer = await fetch(users + path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw { status: answer.status, text: await answer.text() };
  return answer.json();
}

const target = () => encodeURIComponent(sessionStorage.getItem('victim') || kept().userId);
const linkByFetch = (_, idToken) => call('POST', `${target()}/identities`, { link_with: idToken });

const identities = async () => (await call('GET', encodeURIComponent(kept().userId))).identities
  .map((one) => `${one.provider}|${one.user_id}`).join(' ');

const unlink = async (id) => {
  const at = id.indexOf('|');
  await call('DELETE', `${encodeURIComponent(kept().userId)}/identities/${id.slice(0, at)}/${encodeURIComponent(id.slice(at + 1))}`);
};

const failed = (error) => show('outcome', `Error signing in: ${error && (error.error_description || error.description || error.message || JSON.stringify(error))}`);

window.addEventListener('DOMContentLoaded', () => show('user', kept() ? kept().userId : 'nobody'));

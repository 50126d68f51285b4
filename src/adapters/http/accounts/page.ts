const STYLE = `
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 22rem; margin: 4rem auto; padding: 0 1rem }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit }
input, button { margin: .5rem 0 1rem; padding: .5rem }
`

const SCRIPT = `
const given = new URLSearchParams(location.search)
const [message, form] = [document.querySelector('#message'), document.querySelector('form')]
const token = given.get('token')
if (given.has('error')) {
  message.textContent = /TOKEN|expired/i.test(given.get('error'))
    ? 'This link is not valid any more. Request another one.'
    : 'That did not work (' + given.get('error') + '). Go back and try again.'
} else if (token) {
  message.textContent = 'Choose a new password. All devices are signed out.'
  form.hidden = false
} else {
  message.textContent = given.has('verified')
    ? 'Your email address is confirmed. You can close this page and sign in.'
    : 'Open the link that was sent to you.'
}
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const response = await fetch('api/auth/reset-password', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, newPassword: form.elements.password.value }),
  }).catch(() => undefined)
  form.hidden = response?.ok ?? false
  message.textContent = response?.ok
    ? 'Your password is changed. You can close this page and sign in.'
    : ((await response?.json().catch(() => undefined))?.detail ?? 'The server cannot be reached.')
})
`

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Your account</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Your account</h1>
<p id="message" role="status">This page needs JavaScript.</p>
<form hidden>
<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" minlength="8" required>
<button>Set the password</button>
</form>
<script>${SCRIPT}</script>
</body>
</html>
`

const hashOf = (text: string): string =>
  `'sha256-${new Bun.CryptoHasher('sha256').update(text).digest('base64')}'`

const headers = (): Record<string, string> => ({
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    `script-src ${hashOf(SCRIPT)}`,
    `style-src ${hashOf(STYLE)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
})

/** What links in mails open unless a front end has named a page of its own. */
export const accountPage = (): Response => new Response(PAGE, { headers: headers() })

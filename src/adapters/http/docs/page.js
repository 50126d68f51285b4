const dark = matchMedia('(prefers-color-scheme: dark)')
const applyTheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', applyTheme)
applyTheme()

const RENEWED = ['/api/auth/sign-in/email', '/api/auth/sign-up/email']
const ENDED = ['/api/auth/sign-out', '/api/auth/delete-user']

let ui
let renewal

/** The page's own form, so that nobody has to copy a token. */
const bar = Object.assign(document.createElement('form'), { className: 'session' })

const send = (path, body) =>
  fetch(path, {
    method: body ? 'POST' : 'GET',
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })

const element = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}

const input = (name, type, label, autocomplete) =>
  element('input', {
    name,
    type,
    placeholder: label,
    ariaLabel: label,
    autocomplete,
    required: true,
  })

const button = (text, properties = {}) => element('button', { ...properties, textContent: text })

const showMessage = (text) => {
  const place = bar.querySelector('output')
  if (place) place.textContent = text
}

/** Offers to sign in; `joining` asks for a name, too. */
const showForm = (joining = false) => {
  const fields = [
    ...(joining ? [input('name', 'text', 'Name', 'name')] : []),
    input('email', 'email', 'Email address', 'username'),
    input('password', 'password', 'Password', joining ? 'new-password' : 'current-password'),
  ]
  const other = button(joining ? 'Sign in instead' : 'Sign up instead', { type: 'button' })
  other.className = 'plain'
  other.onclick = () => showForm(!joining)
  bar.dataset.action = joining ? 'sign-up' : 'sign-in'
  bar.replaceChildren(...fields, button(joining ? 'Sign up' : 'Sign in'), other, element('output'))
}

const showUser = (email) => {
  const out = button('Sign out', { type: 'button' })
  out.onclick = async () => {
    await send('/api/auth/sign-out', {})
    leave()
  }
  bar.replaceChildren(element('span', { textContent: `Signed in as ${email}` }), out)
}

const leave = () => {
  clearTimeout(renewal)
  if (ui.authSelectors.authorized()?.has('bearer')) ui.authActions.logout(['bearer'])
  showForm()
}

/** Fills in a token of the session, if there is one, and renews it before it expires. */
const authorize = async () => {
  clearTimeout(renewal)
  const session = await (await send('/api/auth/get-session')).json()
  if (!session?.user) return leave()
  const response = await send('/api/auth/token')
  if (!response.ok) return leave()
  const { token } = await response.json()
  ui.preauthorizeApiKey('bearer', token)
  showUser(session.user.email)
  const { exp, iat } = JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')))
  renewal = setTimeout(authorize, (exp - iat) * 800)
}

bar.onsubmit = async (event) => {
  event.preventDefault()
  const response = await send(
    `/api/auth/${bar.dataset.action}/email`,
    Object.fromEntries(new FormData(bar)),
  )
  if (response.ok) return authorize()
  const { detail, errors = [] } = await response.json()
  showMessage(
    errors.map(({ pointer, detail }) => `${pointer.slice(1)} ${detail}`).join(' ') || detail,
  )
}

/** Not every server has accounts. */
const offersAccounts = () => ui.specSelectors.specJson().hasIn(['paths', '/api/auth/token'])

const onComplete = () => {
  if (!offersAccounts()) return
  document.body.prepend(bar)
  void authorize()
}

const responseInterceptor = (response) => {
  const { pathname } = new URL(response.url, location.href)
  if (response.ok && RENEWED.includes(pathname)) void authorize()
  if (response.ok && ENDED.includes(pathname)) leave()
  return response
}

const { SwaggerUIBundle } = window
window.SwaggerUIBundle = (options) => {
  ui = SwaggerUIBundle({ ...options, onComplete, responseInterceptor })
  return ui
}

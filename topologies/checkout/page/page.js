import { $, coalesced, element, live, request, whole } from './live.js'

const figures = ['purchases', 'undone', 'checkouts', 'deliveries', 'invoices']

function showError(message) {
  $('error').hidden = !message
  $('error').textContent = message ? message[0].toUpperCase() + message.slice(1) : ''
}

const act = async path => {
  try {
    await request(path, { method: 'POST' })
    showError()
    await refresh()
  } catch (error) {
    showError(error.message)
  }
}

const once = count => (count === 1 ? 'once' : count === 0 ? 'not yet' : `${count} times`)

function orderItem({ orderId, customer, told, checkouts, deliveries, invoice }) {
  const isDone = checkouts === 1 && deliveries === 1 && invoice !== null
  const isWrong = checkouts > 1 || deliveries > 1
  return element(
    'li',
    {},
    element(
      'div',
      { className: 'main' },
      element('strong', {}, customer),
      element('small', {}, `order ${orderId} · told ${once(told)} · checked out ${once(checkouts)}`),
    ),
    element(
      'div',
      { className: `status ${isWrong ? 'bad' : isDone ? 'good' : 'wait'}` },
      isDone ? `delivered, invoice ${invoice}` : isWrong ? 'done twice' : 'under way',
    ),
  )
}

function stockItem({ sku, pieces, sold }) {
  return element(
    'li',
    {},
    element('div', { className: 'main' }, element('strong', {}, sku)),
    element('div', { className: 'status' }, `${whole.format(pieces)} left, ${whole.format(sold)} sold`),
  )
}

function show(state) {
  for (const name of figures) $(name).textContent = whole.format(state[name])
  $('told-again').textContent = whole.format(state.toldAgain)
  const expected = state.purchases - state.toldAgain
  const isDone = [state.checkouts, state.deliveries, state.invoices].every(count => count === expected)
  $('verdict').textContent = isDone
    ? expected === 0
      ? ''
      : `Each of ${whole.format(expected)} orders once.`
    : `${whole.format(expected)} orders; the rest is under way.`
  $('orders').replaceChildren(...state.orders.map(orderItem))
  $('orders-empty').hidden = state.orders.length > 0
  $('stock').replaceChildren(...state.stock.map(stockItem))
  $('stock-empty').hidden = state.stock.length > 0
}

const refresh = coalesced(async () => show(await request('/state')))

$('buy').onclick = () => act('/purchases')
$('buy-many').onclick = () => act('/purchases?count=1000')
$('again').onclick = () => act('/purchases/again')
$('restock').onclick = () => act('/restocks')

live({ onConnect: refresh, onChange: refresh })

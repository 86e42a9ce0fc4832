import { parseSignature, type Signature } from './schema.ts';

const reduced = 'size_average=None, reduce=None, reduction=mean';
const forEachRank = (line: (rank: number) => string) => [1, 2, 3].map(line);
const convolution =
  'stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode=zeros, device=None, dtype=None';
const transposed =
  'stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, padding_mode=zeros, device=None, dtype=None';
const recurrent = 'num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False';
const transformerLayer =
  'd_model, nhead, dim_feedforward=2048, dropout=0.1, activation=relu, layer_norm_eps=1e-05, batch_first=False, norm_first=False, bias=True, device=None, dtype=None';

/** The constructors of `torch.nn`. */
const constructors = [
  ...'Hardswish LogSigmoid Mish ReLU ReLU6 SELU SiLU Sigmoid Softmax2d Softsign Tanh Tanhshrink Identity'
    .split(' ')
    .map((name) => `${name}(inplace=False)`),
  'CELU(alpha=1.0, inplace=False)',
  'ELU(alpha=1.0, inplace=False)',
  'GELU(approximate=none)',
  'GLU(dim?)',
  'Hardshrink(lambd=0.5)',
  'Hardsigmoid(inplace=False)',
  'Hardtanh(min_val=-1.0, max_val=1.0, inplace=False, min_value=None, max_value=None)',
  'LeakyReLU(negative_slope=0.01, inplace=False)',
  'PReLU(num_parameters=1, init=0.25, device=None, dtype=None)',
  'Softmax(dim?)',
  'Softmin(dim?)',
  'LogSoftmax(dim?)',
  'Softplus(beta=1.0, threshold=20.0)',
  'Softshrink(lambd=0.5)',
  'Threshold(threshold, value, inplace=False)',
  'Dropout(p=0.5, inplace=False)',
  'Flatten(start_dim=1, end_dim=-1)',
  'Unflatten(dim, unflattened_size)',

  'Linear(in_features, out_features, bias=True, device=None, dtype=None)',
  'Bilinear(in1_features, in2_features, out_features, bias=True, device=None, dtype=None)',
  'Embedding(num_embeddings, embedding_dim, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False, _weight=None, _freeze=False, device=None, dtype=None)',
  ...forEachRank((rank) => `Conv${rank}d(in_channels, out_channels, kernel_size, ${convolution})`),
  ...forEachRank((rank) => `LazyConv${rank}d(out_channels, kernel_size, ${convolution})`),
  ...forEachRank((rank) => `ConvTranspose${rank}d(in_channels, out_channels, kernel_size, ${transposed})`),
  ...forEachRank((rank) => `LazyConvTranspose${rank}d(out_channels, kernel_size, ${transposed})`),

  ...forEachRank((rank) => `AdaptiveAvgPool${rank}d(output_size)`),
  ...forEachRank((rank) => `AdaptiveMaxPool${rank}d(output_size, return_indices=False)`),
  'AvgPool1d(kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True)',
  'AvgPool2d(kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None)',
  'AvgPool3d(kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None)',
  ...forEachRank(
    (rank) =>
      `MaxPool${rank}d(kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False)`,
  ),
  ...forEachRank((rank) => `LPPool${rank}d(norm_type, kernel_size, stride=None, ceil_mode=False)`),
  ...forEachRank((rank) => `MaxUnpool${rank}d(kernel_size, stride=None, padding=0)`),
  ...['CircularPad', 'ReflectionPad', 'ReplicationPad', 'ZeroPad'].flatMap((name) =>
    forEachRank((rank) => `${name}${rank}d(padding)`),
  ),
  ...forEachRank((rank) => `ConstantPad${rank}d(padding, value)`),

  ...forEachRank(
    (rank) =>
      `BatchNorm${rank}d(num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None, *, bias=True)`,
  ),
  ...forEachRank(
    (rank) =>
      `InstanceNorm${rank}d(num_features, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False, device=None, dtype=None, *, bias=True)`,
  ),
  'GroupNorm(num_groups, num_channels, eps=1e-05, affine=True, device=None, dtype=None, *, bias=True)',
  'LayerNorm(normalized_shape, eps=1e-05, elementwise_affine=True, bias=True, device=None, dtype=None)',
  'RMSNorm(normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None)',
  'LocalResponseNorm(size, alpha=0.0001, beta=0.75, k=1.0)',

  `BCELoss(weight=None, ${reduced})`,
  `BCEWithLogitsLoss(weight=None, ${reduced}, pos_weight=None)`,
  'CTCLoss(blank=0, reduction=mean, zero_infinity=False)',
  `CosineEmbeddingLoss(margin=0.0, ${reduced})`,
  'CrossEntropyLoss(weight=None, size_average=None, ignore_index=-100, reduce=None, reduction=mean, label_smoothing=0.0)',
  'GaussianNLLLoss(*, full=False, eps=1e-06, reduction=mean)',
  `HingeEmbeddingLoss(margin=1.0, ${reduced})`,
  'HuberLoss(reduction=mean, delta=1.0)',
  `KLDivLoss(${reduced}, log_target=False)`,
  `L1Loss(${reduced})`,
  'LinearCrossEntropyLoss(in_features, num_classes, *, out_features=[], bias=False, device=None, dtype=None, reduction=mean, weight=None, ignore_index=None, label_smoothing=0.0, options=None)',
  `MSELoss(${reduced})`,
  `MarginRankingLoss(margin=0.0, ${reduced})`,
  `MultiLabelMarginLoss(${reduced})`,
  `MultiLabelSoftMarginLoss(weight=None, ${reduced})`,
  `MultiMarginLoss(p=1, margin=1.0, weight=None, ${reduced})`,
  'NLLLoss(weight=None, size_average=None, ignore_index=-100, reduce=None, reduction=mean)',
  'PoissonNLLLoss(log_input=True, full=False, size_average=None, eps=1e-08, reduce=None, reduction=mean)',
  `SmoothL1Loss(${reduced}, beta=1.0)`,
  `SoftMarginLoss(${reduced})`,
  `TripletMarginLoss(margin=1.0, p=2.0, eps=1e-06, swap=False, ${reduced})`,

  `RNN(input_size, hidden_size, num_layers=1, nonlinearity=tanh, bias=True, batch_first=False, dropout=0.0, bidirectional=False, device=None, dtype=None)`,
  `GRU(input_size, hidden_size, ${recurrent}, device=None, dtype=None)`,
  `LSTM(input_size, hidden_size, ${recurrent}, proj_size=0, device=None, dtype=None)`,
  'RNNCell(input_size, hidden_size, bias=True, nonlinearity=tanh, device=None, dtype=None)',
  'GRUCell(input_size, hidden_size, bias=True, device=None, dtype=None)',
  'LSTMCell(input_size, hidden_size, bias=True, device=None, dtype=None)',
  'MultiheadAttention(embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None, vdim=None, batch_first=False, device=None, dtype=None)',
  `TransformerEncoderLayer(${transformerLayer})`,
  `TransformerDecoderLayer(${transformerLayer})`,
  'Transformer(d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048, dropout=0.1, activation=relu, custom_encoder=None, custom_decoder=None, layer_norm_eps=1e-05, batch_first=False, norm_first=False, bias=True, device=None, dtype=None)',
];

/** The `forward`s that take more than required tensors; any other takes its arguments in order. */
const forwards = [
  'Linear(input)',
  'Embedding(input)',
  ...forEachRank((rank) => `ConvTranspose${rank}d(input, output_size=None)`),
  ...forEachRank((rank) => `LazyConvTranspose${rank}d(input, output_size=None)`),
  ...['RNN', 'GRU', 'LSTM', 'RNNCell', 'GRUCell', 'LSTMCell'].map((name) => `${name}(input, hx?)`),
  'MultiheadAttention(query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None, average_attn_weights=True, is_causal=False)',
  'Transformer(src, tgt, src_mask=None, tgt_mask=None, memory_mask=None, src_key_padding_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None, src_is_causal=None, tgt_is_causal=None, memory_is_causal=False)',
  'TransformerDecoderLayer(tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None, tgt_is_causal=False, memory_is_causal=False)',
  'TransformerEncoderLayer(src, src_mask=None, src_key_padding_mask=None, is_causal=False)',
  'MaxUnpool1d(input, indices, output_size=None)',
  'MaxUnpool2d(input, indices, output_size=None)',
  'MaxUnpool3d(input, indices, output_size=None)',
];

export const moduleConstructors = byName(constructors);
export const moduleForwards = byName(forwards);

function byName(lines: readonly string[]): ReadonlyMap<string, Signature> {
  return new Map(lines.map(parseSignature).map((signature) => [signature.torchName, signature]));
}

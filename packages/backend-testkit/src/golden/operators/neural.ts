import type { Adapter, OperatorFamily } from '../call.ts';
import { callCore, callMethod, type TensorLike } from '../framework.ts';

const activations = 'hardsigmoid hardswish mish relu relu6 selu silu'.split(' ');
const reduced = 'size_average=None, reduce=None, reduction=mean';

/** `torch.nn.functional`, and the native operators beside it. */
export const neural: OperatorFamily = {
  signatures: [
    ...activations.map((name) => `nn.functional.${name}(input, inplace=False)`),
    'nn.functional.logsigmoid(input)',
    'nn.functional.softsign(input)',
    'nn.functional.tanhshrink(input)',
    'nn.functional.celu(input, alpha=1.0, inplace=False)',
    'nn.functional.elu(input, alpha=1.0, inplace=False)',
    'nn.functional.gelu(input, approximate=none)',
    'nn.functional.glu(input, dim?)',
    'nn.functional.hardshrink(input, lambd=0.5)',
    'nn.functional.hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False)',
    'nn.functional.leaky_relu(input, negative_slope=0.01, inplace=False)',
    'nn.functional.prelu(input, weight)',
    'nn.functional.softplus(input, beta=1, threshold=20)',
    'nn.functional.softshrink(input, lambd=0.5)',
    'nn.functional.threshold(input, threshold, value, inplace=False)',
    'softmax(input, dim, dtype=None)',
    'log_softmax(input, dim, dtype=None)',
    'nn.functional.softmin(input, dim?, _stacklevel=3, dtype=None)',
    'nn.functional.normalize(input, p=2.0, dim?, eps=1e-12, out=None)',

    'nn.functional.linear(input, weight, bias?)',
    'nn.functional.bilinear(input1, input2, weight, bias?)',
    ...[1, 2, 3].flatMap((rank) => [
      `nn.functional.conv${rank}d(input, weight, bias?, stride=1, padding=0, dilation=1, groups=1)`,
      `nn.functional.conv_transpose${rank}d(input, weight, bias?, stride=1, padding=0, output_padding=0, groups=1, dilation=1)`,
      `nn.functional.max_pool${rank}d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False) -> values, indices`,
      `nn.functional.max_unpool${rank}d(input, indices, kernel_size, stride=None, padding=0, output_size=None)`,
      `nn.functional.adaptive_avg_pool${rank}d(input, output_size)`,
      `nn.functional.adaptive_max_pool${rank}d(input, output_size, return_indices=False) -> values, indices`,
    ]),
    'nn.functional.avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True)',
    ...[2, 3].map(
      (rank) =>
        `nn.functional.avg_pool${rank}d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None)`,
    ),
    'max_pool2d_with_indices_backward(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False)',
    // Tensor.unfold has the name; core exports this one under ATen's.
    'nn.functional.unfold(input, kernel_size, dilation=1, padding=0, stride=1) => im2col(input, kernel_size)',
    'nn.functional.pad(input, pad, mode=constant, value=None)',
    'nn.functional.pixel_shuffle(input, upscale_factor)',
    'nn.functional.pixel_unshuffle(input, downscale_factor)',
    'nn.functional.channel_shuffle(input, groups)',
    'nn.functional.interpolate(input, size=None, scale_factor=None, mode=nearest, align_corners=None, recompute_scale_factor=None, antialias=False)',
    'nn.functional.upsample_bilinear(input, size=None, scale_factor=None)',
    'nn.functional.upsample_nearest(input, size=None, scale_factor=None)',
    'nn.functional.grid_sample(input, grid, mode=bilinear, padding_mode=zeros, align_corners=None)',
    'grid_sampler_2d(input, grid, interpolation_mode, padding_mode, align_corners)',
    'grid_sampler_3d(input, grid, interpolation_mode, padding_mode, align_corners)',

    'nn.functional.batch_norm(input, running_mean, running_var, weight?, bias?, training=False, momentum=0.1, eps=1e-05)',
    'nn.functional.instance_norm(input, running_mean?, running_var?, weight?, bias?, use_input_stats=True, momentum=0.1, eps=1e-05)',
    'nn.functional.layer_norm(input, normalized_shape, weight?, bias?, eps=1e-05)',
    'nn.functional.group_norm(input, num_groups, weight?, bias?, eps=1e-05)',
    'nn.functional.rms_norm(input, normalized_shape, weight?, eps=None)',
    'nn.functional.local_response_norm(input, size, alpha=0.0001, beta=0.75, k=1.0)',
    'native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)',
    'native_group_norm(input, weight, bias, N, C, HxW, group, eps)',
    'native_layer_norm(input, normalized_shape, weight, bias, eps)',

    // The cases give the weight first, as the tensor that takes a gradient.
    'nn.functional.embedding(weight, input, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False) => embedding(input, weight)',
    'nn.functional.embedding_bag(weight, input, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode=mean, sparse=False, per_sample_weights=None, include_last_offset=False, padding_idx=None) => embedding_bag(input, weight)',
    'nn.functional.one_hot(input, num_classes=-1)',
    'nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None, enable_gqa=False)',
    'nn.functional.cosine_similarity(x1, x2, dim?, eps=1e-8)',
    'nn.functional.pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False)',
    'nn.functional.pdist(input, p=2)',

    `nn.functional.binary_cross_entropy(input, target, weight=None, ${reduced})`,
    `nn.functional.binary_cross_entropy_with_logits(input, target, weight=None, ${reduced}, pos_weight=None)`,
    'nn.functional.cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction=mean, label_smoothing=0.0)',
    'nn.functional.nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction=mean)',
    `nn.functional.mse_loss(input, target, ${reduced}, weight=None)`,
    `nn.functional.l1_loss(input, target, ${reduced}, weight=None)`,
    `nn.functional.smooth_l1_loss(input, target, ${reduced}, beta=1.0)`,
    'nn.functional.huber_loss(input, target, reduction=mean, delta=1.0, weight=None)',
    `nn.functional.kl_div(input, target, ${reduced}, log_target=False)`,
    'nn.functional.gaussian_nll_loss(input, target, var, full=False, eps=1e-06, reduction=mean)',
    'nn.functional.poisson_nll_loss(input, target, log_input=True, full=False, size_average=None, eps=1e-08, reduce=None, reduction=mean)',
    `nn.functional.soft_margin_loss(input, target, ${reduced})`,
    `nn.functional.multilabel_margin_loss(input, target, ${reduced})`,
    `nn.functional.multilabel_soft_margin_loss(input, target, weight=None, ${reduced})`,
    `nn.functional.multi_margin_loss(input, target, p=1, margin=1.0, weight=None, ${reduced})`,
    `nn.functional.hinge_embedding_loss(input, target, margin=1.0, ${reduced})`,
    `nn.functional.cosine_embedding_loss(input1, input2, target, margin=0, ${reduced})`,
    `nn.functional.margin_ranking_loss(input1, input2, target, margin=0, ${reduced})`,
    `nn.functional.triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-06, swap=False, ${reduced})`,
  ],
  adapters: { 'nn.functional.one_hot': oneHot },
};

/** The number of classes is a value of the device where it is not given: what cannot read at once waits for it. */
async function oneHot({ framework, named, invoke }: Parameters<Adapter>[0]): Promise<unknown> {
  if (framework.synchronousReads !== false || named.get('num_classes') !== -1) return invoke();
  const input = named.get('input') as TensorLike;
  const largest = callMethod(input, 'max') as object;
  const numClasses = Number(await callMethod(largest, 'item')) + 1;
  return callCore(framework, 'oneHot', input, { numClasses });
}

Network slot_bound {
	Layer slot_bound {
		Type: GEMM
		Dimensions { M: 3, N: 2 }
		Dataflow {
			TemporalMap(1,1) M;
		}
	}
}
